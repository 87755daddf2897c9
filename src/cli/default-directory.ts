/** Where the store is if nobody says otherwise. */
export const DEFAULT_DIRECTORY = "./kvs_logs";
