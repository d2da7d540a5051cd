use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use allocation_counter::AllocationInfo;

/// The memory that `work` takes, counted on this thread.
pub fn measure(work: impl FnOnce()) -> AllocationInfo {
    let mut outcome = Ok(());
    // The count does not end by itself where a panic passes it.
    let memory = allocation_counter::measure(|| {
        outcome = catch_unwind(AssertUnwindSafe(work));
    });
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    memory
}
