/**
 * How much of one incomplete stream event is kept for reading its usage. The last event of the
 * Responses API repeats the whole answer, so that it may be large.
 */
export const HELD_BYTES_MAX = 4 * 1024 * 1024;
