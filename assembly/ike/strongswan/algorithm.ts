/**
 * strongSwan's long names of algorithms (its enumerations, as vici shows them)
 * in the short form of ScreenOS's `get sa`: AES_CBC with 128 bits is aes128,
 * HMAC_SHA2_256_128 is sha256. The rules work on the parts between underscores,
 * so an algorithm that is new to us gets a readable name too.
 */
import { equalText, indexOf, parseDecimal } from "../../bytes/slice";
import { Writer } from "../../bytes/writer";

const UNDERSCORE: u8 = 0x5f;

/** `AES_CBC` 128: aes128; `AES_GCM_16` 256: aes256gcm16; `3DES_CBC`: 3des; no key size: 0. */
export function writeCipher(w: Writer, p: usize, length: i32, key_bits: i32): void {
  let first = true;
  while (length > 0) {
    const part = partLength(p, length);
    if (!equalText(p, part, "CBC")) writeLowerCase(w, p, part);
    if (first && key_bits > 0) w.decimal(key_bits);
    first = false;
    p += part + 1;
    length -= part + 1;
  }
}

/** `HMAC_SHA1_96`: sha1; `HMAC_SHA2_256_128`: sha256; `PRF_HMAC_SHA2_384`: sha384. */
export function writeHash(w: Writer, p: usize, length: i32): void {
  let sha2 = false;
  while (length > 0) {
    const part = partLength(p, length);
    if (sha2) {
      // The digest's bits; what follows is the truncation.
      writeLowerCase(w, p, part);
      return;
    }
    if (equalText(p, part, "SHA2")) {
      sha2 = true;
      w.text("sha");
    } else if (!isPrefix(p, part) && parseDecimal(p, part) < 0) {
      writeLowerCase(w, p, part);
    }
    p += part + 1;
    length -= part + 1;
  }
}

function isPrefix(p: usize, length: i32): bool {
  return equalText(p, length, "PRF") || equalText(p, length, "HMAC");
}

/** Bytes until the next underscore or the end. */
function partLength(p: usize, length: i32): i32 {
  const at = indexOf(p, length, UNDERSCORE);
  return at < 0 ? length : at;
}

function writeLowerCase(w: Writer, p: usize, length: i32): void {
  for (let i = 0; i < length; i++) {
    const c = <i32>load<u8>(p + i);
    w.u8(c >= 0x41 && c <= 0x5a ? c | 0x20 : c);
  }
}
