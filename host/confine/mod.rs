//! The filter that a program puts upon its own system calls, for good. Both programs include it as
//! a module: a crate outside their folders would make their bytes depend on where the tree lies,
//! since cargo hashes the whole path of such a one into every symbol.

use std::collections::BTreeMap;
use std::error::Error;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

pub mod calls;

/// What an argument must be: the bits under the mask equal the value.
pub struct Argument {
    pub index: u8,
    pub mask: u32,
    pub value: u32,
}

/// An argument that is exactly this.
pub const fn exactly(index: u8, value: u32) -> Argument {
    Argument { index, mask: u32::MAX, value }
}

/// The calls that are allowed. Any other fails with EPERM: what is attacked gains nothing, and an
/// oversight of ours is an error in the log and not the end of the program.
pub struct Filter(BTreeMap<i64, Vec<SeccompRule>>);

// c_long has 32 bits on 32-bit ARM.
#[allow(clippy::useless_conversion)]
impl Filter {
    /// What every program needs: memory, of which nothing becomes executable any more, signals,
    /// and an end.
    pub fn new() -> Result<Filter, BackendError> {
        let mut filter = Filter(BTreeMap::new());
        filter.allow(calls::MEMORY);
        filter.allow(calls::SIGNALS_AND_END);
        for call in [calls::MMAP, libc::SYS_mprotect] {
            filter.allow_with(call, &[Argument { index: 2, mask: PROT_EXEC, value: 0 }])?;
        }
        Ok(filter)
    }

    /// Allows calls whatever their arguments.
    pub fn allow(&mut self, calls: &[c_long]) {
        for &call in calls {
            self.0.insert(i64::from(call), vec![]);
        }
    }

    /// Allows a call with these arguments, besides those that it is allowed with already.
    pub fn allow_with(&mut self, call: c_long, arguments: &[Argument]) -> Result<(), BackendError> {
        let conditions: Result<Vec<_>, _> = arguments.iter().map(condition).collect();
        let rules = self.0.entry(i64::from(call)).or_default();
        rules.push(SeccompRule::new(conditions?)?);
        Ok(())
    }

    /// From now on it binds this thread, and all that it starts.
    pub fn install(self) -> Result<(), Box<dyn Error>> {
        Ok(apply_filter(&self.program()?)?)
    }

    fn program(self) -> Result<BpfProgram, BackendError> {
        let mut program = self.compiled()?;
        // The first instruction loads the architecture of the call, the second looks at it.
        program[1].k = AUDIT_ARCHITECTURE;
        Ok(program)
    }

    fn compiled(self) -> Result<BpfProgram, BackendError> {
        let otherwise = SeccompAction::Errno(libc::EPERM as u32);
        let allow = SeccompAction::Allow;
        SeccompFilter::new(self.0, otherwise, allow, ARCHITECTURE)?.try_into()
    }
}

const PROT_EXEC: u32 = libc::PROT_EXEC as u32;

fn condition(argument: &Argument) -> Result<SeccompCondition, BackendError> {
    let operator = SeccompCmpOp::MaskedEq(argument.mask.into());
    let length = SeccompCmpArgLen::Dword;
    SeccompCondition::new(argument.index, length, operator, argument.value.into())
}

// What seccompiler compiles for, and the architecture as the kernel names it (linux/audit.h).
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "x86_64")]
const AUDIT_ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: TargetArch = TargetArch::aarch64;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCHITECTURE: u32 = 0xc000_00b7;
// It knows no 32-bit ARM, whose programs are those of aarch64 but for the name: both are
// little-endian, and the kernel widens arguments.
#[cfg(target_arch = "arm")]
const ARCHITECTURE: TargetArch = TargetArch::aarch64;
#[cfg(target_arch = "arm")]
const AUDIT_ARCHITECTURE: u32 = 0x4000_0028;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_asks_for_the_architecture_first() {
        let program = Filter::new().unwrap().program().unwrap();
        let load_architecture = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
        assert_eq!((program[0].code, program[0].k), (load_architecture, 4));
        assert_eq!(program[1].code, (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16);
        #[cfg(not(target_arch = "arm"))]
        assert_eq!(program, Filter::new().unwrap().compiled().unwrap());
    }

    /// Runs in a thread, which is all that the filter binds.
    #[test]
    fn calls_are_allowed_with_their_arguments_alone() {
        std::thread::spawn(|| {
            let mut filter = Filter::new().unwrap();
            filter.allow_with(libc::SYS_socket, &[exactly(0, libc::AF_UNIX as u32)]).unwrap();
            filter.allow_with(libc::SYS_socket, &[exactly(0, libc::AF_INET as u32)]).unwrap();
            filter.allow(&[libc::SYS_close]);
            filter.install().unwrap();
            let socket = |domain| {
                // SAFETY: the call takes numbers alone.
                unsafe { libc::socket(domain, libc::SOCK_DGRAM, 0) }
            };
            assert!(socket(libc::AF_UNIX) >= 0);
            assert!(socket(libc::AF_INET) >= 0);
            assert_eq!(socket(libc::AF_NETLINK), -1);
            assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EPERM));
        })
        .join()
        .unwrap();
    }
}
