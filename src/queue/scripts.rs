//! The moves of jobs that are more than one command, each atomic on the server.

use std::{sync::LazyLock, time::Duration};

use redis::{Script, ScriptInvocation};

use super::{ACTIVE_LIFE, ACTIVE_PAUSE, MAX_DEAD, MAX_RECENT, NAME_KEPT, PREFIX, WORKER_LIFE, job::MAX_ENVELOPE};

/// A script behind the bounds and what all of them share. The client sends its hash, and loads it again where Redis has
/// forgotten it.
macro_rules! script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| script(concat!(include_str!("scripts/common.lua"), "\n", include_str!($file))));
    };
}

script!(ENQUEUE, "scripts/enqueue.lua");
script!(AMEND, "scripts/amend.lua");
script!(TURN, "scripts/turn.lua");
script!(BEAT, "scripts/beat.lua");
script!(MAINTAIN, "scripts/maintain.lua");
script!(RESCUE, "scripts/rescue.lua");
script!(LEAVE, "scripts/leave.lua");
script!(PENDING, "scripts/pending.lua");
script!(TAKE_OUT, "scripts/take_out.lua");

fn script(code: &str) -> Script {
    let [life, forgotten, marked, pause] = [WORKER_LIFE, NAME_KEPT, ACTIVE_LIFE, ACTIVE_PAUSE].map(millis);
    Script::new(&format!(
        "local LIFE, FORGOTTEN, MARKED, PAUSE = {life}, {forgotten}, {marked}, {pause}\n\
         local LONGEST, MOST_DEAD, MOST_RECENT = {MAX_ENVELOPE}, {MAX_DEAD}, {MAX_RECENT}\n{code}"
    ))
}

/// Starts a call.
pub(super) fn call(script: &'static Script) -> ScriptInvocation<'static> {
    script.key(PREFIX)
}

/// A duration as scripts take it.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX >> 16)
}
