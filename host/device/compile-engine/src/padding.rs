//! Takes out of the artifact, an ELF file, what is only there to align its code to the largest page
//! that a kernel may have (64 KiB on AArch64): the daemon has the code among its own.

use object::build::elf::{Builder, SectionData};
use object::elf::SHF_EXECINSTR;

/// What AArch64 addresses its code in, whatever the kernel's pages are.
const PAGE_BYTES: u64 = 4096;
/// So many of the zeros at the end stay: they may be a constant of the last function.
const LAST_BYTES: usize = 64;

pub fn trim(artifact: &[u8]) -> object::build::Result<Vec<u8>> {
    let mut elf = Builder::read(artifact)?;
    for section in &mut elf.sections {
        if let SectionData::Data(bytes) = &mut section.data
            && section.sh_flags & u64::from(SHF_EXECINSTR) != 0
        {
            section.sh_addralign = section.sh_addralign.min(PAGE_BYTES);
            let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            *bytes = bytes[..bytes.len().min(end + LAST_BYTES)].to_vec().into();
        }
    }
    let mut trimmed = Vec::new();
    elf.write(&mut trimmed)?;
    Ok(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm_config::wasm_config;
    use object::read::elf::ElfFile64;
    use object::{Object, ObjectSection};

    /// A module with one function, which answers 1,234,567,890.
    const WASM: &[u8] = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\
        \x07\x05\x01\x01f\0\0\x0a\x0a\x01\x08\0\x41\xd2\x85\xd8\xcc\x04\x0b";

    #[test]
    fn only_padding_goes() {
        for target in ["aarch64-unknown-linux-musl", "x86_64-unknown-linux-musl", "pulley32"] {
            let engine = wasmtime::Engine::new(&wasm_config(target).unwrap()).unwrap();
            let artifact = engine.precompile_module(WASM).unwrap();
            let trimmed = trim(&artifact).unwrap();
            assert!(trimmed.len() < 3 * PAGE_BYTES as usize, "{target}: {}", trimmed.len());
            let old = ElfFile64::<object::Endianness>::parse(&*artifact).unwrap();
            let new = ElfFile64::<object::Endianness>::parse(&*trimmed).unwrap();
            assert_eq!(old.flags(), new.flags());
            for section in old.sections() {
                let name = section.name().unwrap();
                let old = section.data().unwrap();
                let Some(section) = new.section_by_name(name) else {
                    assert!(old.is_empty(), "{name}");
                    continue;
                };
                let new = section.data().unwrap();
                assert_eq!(&old[..new.len()], new, "{name}");
                assert!(old[new.len()..].iter().all(|&byte| byte == 0), "{name}");
                if name == ".text" {
                    let (offset, _) = section.file_range().unwrap();
                    assert_eq!(offset % section.align(), 0);
                } else {
                    assert_eq!(old.len(), new.len(), "{name}");
                }
            }
        }
    }
}
