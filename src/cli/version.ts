/** Put in place by the build. */
declare const KVS_VERSION: string | undefined;

/** The version of this build. */
export const VERSION: string = typeof KVS_VERSION === "string" ? KVS_VERSION : "from source";
