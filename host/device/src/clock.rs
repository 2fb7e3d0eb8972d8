//! The time that goes into the engine with every input.

use rustix::time::{ClockId, clock_gettime};

/// A deadline that never comes, as the engine writes it.
pub const NEVER: i64 = i64::MAX;

/// Milliseconds of CLOCK_MONOTONIC.
pub fn now_ms() -> i64 {
    milliseconds(ClockId::Monotonic)
}

/// Milliseconds since 1970, UTC.
pub fn wall_ms() -> i64 {
    milliseconds(ClockId::Realtime)
}

fn milliseconds(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

/// The local time, broken down.
pub fn local_time() -> libc::tm {
    broken_down(localtime_r)
}

/// The time in UTC, broken down.
pub fn utc_time() -> libc::tm {
    broken_down(gmtime_r)
}

type BreakDown = unsafe extern "C" fn(*const i64, *mut libc::tm) -> *mut libc::tm;

// As musl's time.h has them: on 32 bits the plain names are for programs of before 2020, whose time
// ends in 2038, and crate libc still takes those.
unsafe extern "C" {
    #[cfg_attr(target_pointer_width = "32", link_name = "__localtime64_r")]
    fn localtime_r(seconds: *const i64, time: *mut libc::tm) -> *mut libc::tm;
    #[cfg_attr(target_pointer_width = "32", link_name = "__gmtime64_r")]
    fn gmtime_r(seconds: *const i64, time: *mut libc::tm) -> *mut libc::tm;
}

fn broken_down(how: BreakDown) -> libc::tm {
    let seconds = wall_ms() / 1000;
    // SAFETY: `tm` is plain data, for which zero is a value, and both pointers are valid.
    unsafe {
        let mut time: libc::tm = std::mem::zeroed();
        how(&seconds, &mut time);
        time
    }
}

/// Seconds that local time is ahead of UTC.
pub fn utc_offset_s() -> i32 {
    local_time().tm_gmtoff as i32
}
