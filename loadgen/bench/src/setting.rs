//! What all workloads are told: which program to measure, and where the report goes.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, ensure};
use tidings_ceilings::{name_stores, raise_file_limit};
use tidings_report::Report;
use tidings_stand::{Stand, StandOptions, find_program};

/// Arguments of every workload.
#[derive(clap::Args)]
pub struct Setting {
    /// The `tidings` program; without it, the one beside this program.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the report is written.
    #[arg(long, default_value = "bench-results")]
    out: PathBuf,
}

impl Setting {
    /// Runs a workload on a stand of its own, and prints and writes its report.
    pub async fn report(
        &self,
        workload: &str,
        measure: impl AsyncFnOnce(&Stand, &mut Report) -> Result<()>,
    ) -> Result<()> {
        let mut report = Report::new(workload);
        self.measure(&mut report, measure).await?;
        self.finish(&report)
    }

    /// Runs a part of a workload on a stand of its own.
    pub async fn measure(
        &self,
        report: &mut Report,
        measure: impl AsyncFnOnce(&Stand, &mut Report) -> Result<()>,
    ) -> Result<()> {
        self.measure_nodes(1, report, measure).await
    }

    /// The same with a stand of so many nodes.
    pub async fn measure_nodes(
        &self,
        nodes: usize,
        report: &mut Report,
        measure: impl AsyncFnOnce(&Stand, &mut Report) -> Result<()>,
    ) -> Result<()> {
        raise_file_limit()?;
        let options = StandOptions {
            nodes,
            ..StandOptions::new(self.program()?)
        };
        let stand = Stand::start(&options).await?;
        let measuring = async {
            name_stores(&stand, report).await?;
            measure(&stand, report).await
        };
        let done = measuring.await;
        stand.stop().await;
        done
    }

    /// The program to measure. Its path holds from everywhere, because nodes do not run where this process does.
    pub fn program(&self) -> Result<PathBuf> {
        let program = self.program.clone().map_or_else(find_program, Ok)?;
        Ok(std::path::absolute(program)?)
    }

    /// Prints and writes a report that is whole, and fails where it contradicts itself.
    pub fn finish(&self, report: &Report) -> Result<()> {
        report.print();
        report.write(&self.out)?;
        report.hold_to_bounds()
    }
}

/// Reads a number of rounds or seconds; without any there is nothing to report.
pub fn at_least_one<T>(text: &str) -> Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static> + From<u8> + PartialOrd,
{
    let number = text.parse()?;
    ensure!(number >= T::from(1), "at least 1");
    Ok(number)
}
