//! What is measured.

use std::path::PathBuf;

use crate::{data, workload::Workload};

/// How the service is measured.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each point is measured, in seconds
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
    /// How long each point runs before that, in seconds; each status is looked at meanwhile
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) warmup: u32,
    /// How often each point is measured; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Only these, such as `get,mix`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) workloads: Vec<Workload>,
    /// With so many connections, such as `100,10`; 100, and 10 as well for `get` and `mix`, if it is not given
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) connections: Vec<u32>,
    /// Also measure latency at half of the peak, with requests sent at a fixed rate
    #[arg(long)]
    pub(crate) fixed_rate: bool,
    /// Also measure with ten million tasks in the table (12 GB of disk, and some minutes to make them)
    #[arg(long)]
    pub(crate) scale: bool,
    /// With so many tasks instead
    #[arg(long, value_name = "N", default_value_t = 10_000_000, requires = "scale")]
    #[arg(value_parser = clap::value_parser!(u64).range(data::MANY..))]
    pub(crate) scale_tasks: u64,
    /// Also hold the mix for so many minutes and watch the memory
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub(crate) minutes: Option<u32>,
    /// Leave out the workloads themselves, for only what `--scale` and `--minutes` ask for
    #[arg(long, conflicts_with = "fixed_rate")]
    pub(crate) no_workloads: bool,
    /// The folder for the results
    #[arg(long, value_name = "FOLDER", default_value = "tools/bench/results")]
    pub(crate) out: PathBuf,
}
