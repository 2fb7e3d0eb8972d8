/** Events about the recording of inputs (docs/recording.md). */
import { Writer } from "../bytes/writer";
import { beginEvent, endEvent } from "./log";
import { Severity } from "./severity";
import { Id } from "./text";

/** All inputs are recorded from here on. */
export function recordingBegun(): void {
  beginEvent(Severity.NOTIFICATION, Id.SYSTEM, 0).text("Recording has begun.");
  endEvent();
}

/** The recording ended as it was asked to. */
export function recordingEnded(): void {
  beginEvent(Severity.NOTIFICATION, Id.SYSTEM, 0).text("Recording has ended.");
  endEvent();
}

/** The recording broke off, or could not begin. */
export function recordingFailed(errno: i32): void {
  const w = beginEvent(Severity.ERROR, Id.SYSTEM, 0).text("Recording is not possible (");
  writeRecordingError(w, errno).text("); the monitoring goes on.");
  endEvent();
}

/** What keeps a file from being written, mostly in the words of Linux's strerror(3). */
export function writeRecordingError(w: Writer, errno: i32): Writer {
  switch (errno) {
    case 1:
      return w.text("Operation not permitted");
    case 2:
      return w.text("No such file or directory");
    case 5:
      return w.text("Input/output error");
    case 11:
      return w.text("another rekeyd has the folder");
    case 13:
      return w.text("Permission denied");
    case 20:
      return w.text("Not a directory");
    case 27:
      return w.text("File too large");
    case 28:
      return w.text("No space left on device");
    case 30:
      return w.text("Read-only file system");
    case 122:
      return w.text("Disk quota exceeded");
    default:
      return w.text("errno ").decimal(errno);
  }
}
