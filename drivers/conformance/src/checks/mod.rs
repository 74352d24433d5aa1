//! The checks, one subject a file. Each makes its own disks, under names of its own.

mod cancel;
mod changes;
mod close;
mod create;
mod extents;
mod identity;
mod open;
mod probe;
mod read;
mod read_only;
mod remove;
mod snapshots;
mod unsupported;
mod write;

use crate::bench::Bench;
use crate::report::Checked;

type Check = fn(&Bench<'_>) -> Checked;

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("descriptor", identity::descriptor),
    ("capabilities", identity::capabilities),
    ("connector", identity::connector),
    ("probe of its own disk", probe::own),
    ("probe of a foreign disk", probe::foreign),
    ("probe of an absent disk", probe::absent),
    ("open of an absent disk", open::absent),
    ("open of a location of nobody", open::nobody),
    ("open twice", open::twice),
    ("read of everything", read::everything),
    ("read at random", read::random),
    ("vectored read", read::vectored),
    ("read of nothing", read::nothing),
    ("read past the end", read::past_the_end),
    ("concurrent reads", read::concurrent),
    ("allocated extents cover all data", extents::cover_data),
    ("allocated extents of a range", extents::of_a_range),
    ("read-only refuses writes", read_only::refuses_writes),
    ("read-only leaves the medium alone", read_only::leaves_the_medium_alone),
    ("write", write::survives_reopening),
    ("zero", write::zero),
    ("write past the end", write::past_the_end),
    ("concurrent writes", write::concurrent),
    ("create", create::sparse_and_writable),
    ("create what exists", create::what_exists),
    ("cancel of running reads", cancel::running),
    ("cancel of later calls", cancel::later),
    ("close", close::twice),
    ("drop without close", close::dropped),
    ("close of a disk that changed", close::changed),
    ("changed extents", changes::superset),
    ("changed extents from an unknown token", changes::unknown_token),
    ("snapshots", snapshots::life),
    ("snapshot content", snapshots::content),
    ("absent and doubled snapshots", snapshots::absent_and_doubled),
    ("renamed snapshots", snapshots::renamed),
    ("remove", remove::life),
    ("remove of a disk in use", remove::in_use),
    ("what is not supported says so", unsupported::says_so),
];
