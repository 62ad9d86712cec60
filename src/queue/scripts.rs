//! The moves of jobs that are more than one command, each atomic on the server.

use std::sync::LazyLock;

use redis::{Script, ScriptInvocation};

use super::PREFIX;

/// A script behind what all of them share. The client sends its hash, and loads it again where Redis has forgotten.
macro_rules! script {
    ($name:ident, $file:literal) => {
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!(include_str!("scripts/common.lua"), "\n", include_str!($file))));
    };
}

script!(ENQUEUE, "scripts/enqueue.lua");
script!(AMEND, "scripts/amend.lua");
script!(TURN, "scripts/turn.lua");
script!(BEAT, "scripts/beat.lua");
script!(MAINTAIN, "scripts/maintain.lua");
script!(RESCUE, "scripts/rescue.lua");
script!(TAKE_OUT, "scripts/take_out.lua");

/// Starts a call.
pub(super) fn call(script: &'static Script) -> ScriptInvocation<'static> {
    script.key(PREFIX)
}

/// A duration as scripts take it.
pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX >> 16)
}
