//! What the helper is asked for: one hook in each message (assembly/monitor/hook_message.ts).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

const MAX_VARIABLES: usize = 32;

/// What a message asks for.
pub struct Request {
    pub name: Vec<u8>,
    pub limit_ms: u32,
    pub path: PathBuf,
    pub variables: Vec<(String, Vec<u8>)>,
}

/// Whose hook it is.
pub fn name_of(message: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = message.split_first()?;
    rest.get(..length.into())
}

/// Takes a message apart; None: it is none.
pub fn parse(message: &[u8]) -> Option<Request> {
    let name = name_of(message)?;
    let (limit_ms, strings) = message[1 + name.len()..].split_at_checked(4)?;
    let limit_ms = u32::from_le_bytes(limit_ms.try_into().ok()?);
    let mut strings = strings.strip_suffix(b"\0")?.split(|&byte| byte == 0);
    let path = Path::new(OsStr::from_bytes(strings.next()?));
    let mut variables = Vec::new();
    for string in strings {
        let at = string.iter().position(|&byte| byte == b'=')?;
        let key = str::from_utf8(&string[..at]).ok()?;
        // No other variable means anything to a loader or a shell.
        let known = key.strip_prefix("REKEYD_")?;
        let spelt = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        let one_line = |&byte: &u8| byte >= b' ' && byte != 0x7f;
        if !known.bytes().all(spelt) || !string[at + 1..].iter().all(one_line) {
            return None;
        }
        variables.push((key.to_string(), string[at + 1..].to_vec()));
    }
    let is_good = !name.is_empty() && path.is_absolute() && variables.len() <= MAX_VARIABLES;
    is_good.then(|| Request { name: name.to_vec(), limit_ms, path: path.into(), variables })
}

/// Whether nobody but root and the user of the hooks can change the program, or put another one in
/// its place. In a folder with the sticky bit nobody can touch what is another's.
pub fn is_safe(program: &Path) -> io::Result<bool> {
    const OTHERS_WRITE: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let own_uid = geteuid().as_raw();
    for place in program.ancestors() {
        let metadata = place.metadata()?;
        let sticky = metadata.is_dir() && metadata.mode() & STICKY != 0;
        let is_ours = metadata.uid() == 0 || metadata.uid() == own_uid;
        if !is_ours || (metadata.mode() & OTHERS_WRITE != 0 && !sticky) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn message(name: &str, limit_ms: u32, path: &Path, variables: &[&str]) -> Vec<u8> {
        let mut message = vec![name.len() as u8];
        message.extend(name.as_bytes());
        message.extend(limit_ms.to_le_bytes());
        message.extend(path.as_os_str().as_bytes());
        message.push(0);
        for variable in variables {
            message.extend(variable.as_bytes());
            message.push(0);
        }
        message
    }

    #[test]
    fn any_message_has_an_answer() {
        let good = message("vpn", 1000, Path::new("/a/b"), &["REKEYD_A=b", "REKEYD_C_D="]);
        let request = parse(&good).unwrap();
        assert_eq!((&request.name[..], request.limit_ms), (&b"vpn"[..], 1000));
        assert_eq!(request.path, Path::new("/a/b"));
        assert_eq!(request.variables[0], ("REKEYD_A".into(), b"b".to_vec()));
        for at in 0..good.len() {
            assert!(parse(&good[..at]).is_none() || good[at - 1] == 0, "cut at {at}");
        }
        for bad in [
            message("vpn", 1, Path::new("relative"), &[]),
            message("", 1, Path::new("/a"), &[]),
            message("vpn", 1, Path::new("/a"), &["LD_PRELOAD=/x"]),
            message("vpn", 1, Path::new("/a"), &["REKEYD_a=b"]),
            message("vpn", 1, Path::new("/a"), &["REKEYD_A"]),
            message("vpn", 1, Path::new("/a"), &["REKEYD_A=b\nc"]),
            message("vpn", 1, Path::new("/a"), &["REKEYD_A=b"; MAX_VARIABLES + 1]),
        ] {
            assert!(parse(&bad).is_none(), "{}", String::from_utf8_lossy(&bad));
        }
        // Bytes as they come from a generator that is always the same (xorshift).
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..200_000 {
            let mut bytes = good.clone();
            for _ in 0..4 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = random as usize % bytes.len();
                bytes[at] = (random >> 32) as u8;
                bytes.truncate(1 + (random >> 40) as usize % (2 * good.len()));
            }
            let _ = parse(&bytes);
        }
    }
}
