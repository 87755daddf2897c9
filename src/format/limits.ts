/** Longest key, in bytes: its length is two bytes on disk. */
export const MAX_KEY_BYTES = 0xffff;

/** Longest value, in bytes (512 MiB). */
export const MAX_VALUE_BYTES: number = 512 * 1024 * 1024;

/** Longest frame, in bytes (1 GiB): the bound of one batch. */
export const MAX_FRAME_BYTES: number = 1024 * 1024 * 1024;

/** Most generations one merge may take as input. */
export const MAX_INPUTS = 65_535;
