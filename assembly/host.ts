/** The module's only import: tests hold it against the allowed list. */

/** The engine is about to trap: `length` bytes at `message` say where and why. */
export declare function trap(message: usize, length: i32): void;
