//! What has to be set before the first thread and the first tensor.

use std::thread::available_parallelism;

/// mimalloc's `mi_option_purge_delay`, which its bindings leave out: how many
/// milliseconds freed memory stays with the program; 1000 unless it is set.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// Its value for "always".
const NEVER_PURGE: std::ffi::c_long = -1;

/// How many processor cores the program may use.
pub fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Prepares the process; the first thing that `main` does.
///
/// Without `RAYON_NUM_THREADS` candle counts the cores anew, by reading a file,
/// at every matrix product, which makes small networks several times slower.
/// What the user has set stays.
pub fn prepare_process() {
    use_small_pages();
    keep_freed_memory();
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        // SAFETY: called at the top of `main`, before any other thread exists
        // that could read the environment at the same time.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", cores().to_string()) };
    }
}

/// Memory comes in small pages: the first touch of a huge one fills 2 MiB with
/// zeros, which on a virtual machine took 6 ms, a third of a frame, whichever
/// thread it met. Training and slices were not slower without.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: a plain system call without pointers, about this process only.
        let refused = unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) } != 0;
        if refused {
            tracing::debug!("huge pages could not be switched off");
        }
    }
}

/// Freed memory stays with the program, which needs it again: giving much of it
/// back took up to 30 ms of whichever thread asked for memory next, the window's
/// too. What the user has set (`MIMALLOC_PURGE_DELAY`) stays.
fn keep_freed_memory() {
    // SAFETY: sets a number of the allocator, before any other thread exists.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, NEVER_PURGE) };
}

/// The processor time that the calling thread has used so far: unlike the time
/// on the wall it does not grow while others have the processor. Nothing where
/// the system does not tell (only Linux is asked).
pub fn thread_time() -> Option<std::time::Duration> {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the pointer is to a valid `timespec` on this stack, which the
        // call fills.
        let told = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) } == 0;
        if told {
            let seconds = u64::try_from(time.tv_sec).ok()?;
            let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
            return Some(std::time::Duration::new(seconds, nanoseconds));
        }
    }
    None
}

/// How much a thread's work is waited for. The window's own has no part in it:
/// it goes before all of these.
#[derive(Clone, Copy, Debug)]
pub enum Priority {
    /// What is watched while it goes on: the training, and figures.
    Watched,
    /// What comes when it is done: analyses.
    Background,
}

/// Sets how much the calling thread's work is waited for. Only Linux has
/// priorities by thread; elsewhere nothing happens.
pub fn set_thread_priority(priority: Priority) {
    #[cfg(target_os = "linux")]
    {
        let niceness = match priority {
            Priority::Watched => 2,
            Priority::Background => 10,
        };
        // SAFETY: a plain system call without pointers. On Linux, process 0
        // means the calling thread, and its niceness is its own.
        let refused = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness) } != 0;
        if refused {
            tracing::debug!("the priority of a thread could not be lowered");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = priority;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The option is known by its number alone; its usual value tells that the
    /// number still means it.
    #[test]
    fn freed_memory_stays_with_the_program() {
        // SAFETY: reads a number.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "is MIMALLOC_PURGE_DELAY set?");
        keep_freed_memory();
        assert_eq!(delay(), NEVER_PURGE);
    }
}
