//! Restores: to files of this machine, or into the cloud.
//!
//! In the cloud a restore is planned first, wholly: what stands against it is said before anything is
//! made. Then it makes what is missing (`make`), finds where the disks lie on their storage
//! (`place`), keeps what they held where they held something (`keep`), writes (`write`) and lets the
//! instance run. What it made carries its id and is removed when it fails.

#[cfg(test)]
mod fake_cloud;
mod file;
mod finish;
mod gone;
mod keep;
mod make;
mod place;
mod plan;
mod power;
mod write;

use std::sync::Arc;

use firn_core::{NovaDisks, RestoreTarget};

pub(crate) use file::PARTIAL_PREFIX;
pub(super) use finish::result;

use self::finish::Finish;
use self::keep::{Keep, LetGo};
use self::make::{MakePorts, MakeServer, MakeVolumes};
use self::place::{Attach, Detach, LocateServer};
use self::plan::{CloudRestore, Plan};
use self::power::{Power, Start, Stop};
use self::write::Write;
use super::{JobError, RunningJob, Step};

pub(super) async fn steps(job: &Arc<RunningJob>) -> Result<Vec<Box<dyn Step>>, JobError> {
    let target = match job.restore().await?.target {
        RestoreTarget::File { name } => return Ok(file::steps(job, name)),
        target => target,
    };
    let job = CloudRestore::new(job, target.clone())?;
    let mut steps: Vec<Box<dyn Step>> = vec![Box::new(Plan(job.clone()))];
    if job.dry_run {
        steps.push(Box::new(Finish(job)));
        return Ok(steps);
    }
    let rest: Vec<Box<dyn Step>> = match target {
        RestoreTarget::NewInstance(wish) if wish.nova_disks == NovaDisks::Volumes => vec![
            Box::new(MakePorts(job.clone())),
            Box::new(MakeVolumes(job.clone())),
            Box::new(Attach(job.clone())),
            Box::new(Write(job.clone())),
            Box::new(Detach(job.clone())),
            Box::new(MakeServer(job.clone())),
        ],
        // Nova makes its disks with the instance and no other way, so they are written to when it
        // has been there once; its volumes too, lest what it ran before sees half of them.
        RestoreTarget::NewInstance(_) => vec![
            Box::new(MakePorts(job.clone())),
            Box::new(MakeVolumes(job.clone())),
            Box::new(MakeServer(job.clone())),
            Box::new(Stop(job.clone(), Power::New)),
            Box::new(LocateServer(job.clone())),
            Box::new(Write(job.clone())),
            Box::new(Start(job.clone(), Power::New)),
        ],
        RestoreTarget::Original => vec![
            Box::new(Stop(job.clone(), Power::Original)),
            Box::new(Keep(job.clone())),
            Box::new(Write(job.clone())),
            Box::new(Start(job.clone(), Power::Original)),
            Box::new(LetGo(job.clone())),
        ],
        RestoreTarget::Volume(wish) if wish.volume_id.is_some() => vec![
            Box::new(Attach(job.clone())),
            Box::new(Keep(job.clone())),
            Box::new(Write(job.clone())),
            Box::new(LetGo(job.clone())),
            Box::new(Detach(job.clone())),
        ],
        RestoreTarget::Volume(_) | RestoreTarget::File { .. } => vec![
            Box::new(MakeVolumes(job.clone())),
            Box::new(Attach(job.clone())),
            Box::new(Write(job.clone())),
            Box::new(Detach(job.clone())),
        ],
    };
    steps.extend(rest);
    steps.push(Box::new(Finish(job)));
    Ok(steps)
}
