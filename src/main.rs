//! Reads arguments, then opens the window or does the work without one.

use std::process::ExitCode;

// candle allocates and frees large temporaries at every operation; glibc's
// allocator returns them to the system each time, which makes training several
// times slower.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    losscape::engine::prepare_process();
    losscape::cli::main(std::env::args_os())
}
