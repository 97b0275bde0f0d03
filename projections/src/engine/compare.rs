//! Comparing one table of a read model with the same table built anew, some rows at a time.
//!
//! Nothing is held from one page to the next, neither a snapshot nor a lock nor the rows: each page of the live table is read
//! with how far the read model was just then, the build is brought exactly there, and the same page of it is read.

use crate::engine::build::{Build, Goals};
use crate::engine::pace::Pace;
use crate::engine::patience::Patience;
use crate::engine::session::Session;
use crate::engine::target::Target;
use crate::engine::verify::{Difference, DifferenceKind, TableReport};
use crate::error::{ProjectionError, within};
use crate::projection::Table;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio_postgres::{IsolationLevel, Row};

/// Rows of one page.
const PAGE: u64 = 5000;
/// Differences that are told of one table.
const SHOWN: usize = 10;
/// The longest that one statement may take.
const STATEMENT: Duration = Duration::from_secs(30);

/// The values of a primary key as text, in the order of its columns.
type Key = Vec<String>;
/// How far a read model is, by lane.
type Positions = BTreeMap<u8, u64>;

/// Some rows of a table: their keys in order, each with a hash of the whole row.
struct Rows {
    positions: Positions,
    rows: Vec<(Key, i64)>,
}

/// One table, and how far its comparison is.
pub(crate) struct Comparison<'a> {
    build: &'a Build<'a>,
    /// Which of the build's targets the table belongs to.
    of: usize,
    live: Target,
    table: Table,
    /// The types of the key's columns.
    types: Vec<String>,
    session: Session,
    /// How far the build is in each lane, as far as it is known.
    built: Positions,
}

impl<'a> Comparison<'a> {
    /// Compares a whole table. What fails for the moment is tried again, from the page where it failed.
    pub(crate) async fn run(
        build: &'a Build<'a>,
        of: usize,
        table: Table,
    ) -> Result<TableReport, ProjectionError> {
        let target = &build.targets[of];
        let mut comparison = Self {
            build,
            of,
            live: Target::live(build.log.pool().home(), target.projection),
            table,
            types: vec![],
            session: Session::admin(build.log.pool()).await?,
            built: Positions::new(),
        };
        let mut report = TableReport {
            projection: target.projection.name(),
            table: table.name,
            rows: 0,
            rows_from_log: 0,
            equal: true,
            differences: vec![],
        };
        let (mut after, mut pace, mut patience) = (None, Pace::new(PAGE), Patience::new());
        loop {
            match comparison.page(after.as_ref(), pace.events()).await {
                Ok((live, anew, upto)) => {
                    report.add(&live, &anew);
                    build
                        .progress
                        .compared(report.projection, table.name, report.rows);
                    if upto.is_none() {
                        return Ok(report);
                    }
                    after = upto;
                    pace.faster();
                    patience = Patience::new();
                }
                Err(error) => {
                    tracing::warn!(table = table.name, %error, "a page of the comparison will be tried again");
                    pace.slower();
                    patience.wait(error).await?;
                    // What runs there was given up, and what was known may have been taken back.
                    if let Ok(anew) = Session::admin(build.log.pool()).await {
                        comparison.session = anew;
                    }
                    comparison.built.clear();
                }
            }
        }
    }

    /// The next page of both tables, and where it ends; `None` at the end of both.
    async fn page(
        &mut self,
        after: Option<&Key>,
        rows: u64,
    ) -> Result<(Rows, Rows, Option<Key>), ProjectionError> {
        if self.types.is_empty() {
            self.types = self.key_types().await?;
        }
        let upto = self.end(after, rows).await?;
        let (live, build) = (self.live.clone(), self.build);
        let live = self.rows(&live, after, upto.as_ref()).await?;
        self.bring(&live.positions).await?;
        let anew = self.rows(&build.targets[self.of], after, upto.as_ref()).await?;
        if anew.positions != live.positions {
            return Err(ProjectionError::Database(
                "the build is not where the read model is".to_owned(),
            ));
        }
        Ok((live, anew, upto))
    }

    /// Folds into the build what the live read model has got meanwhile.
    async fn bring(&mut self, positions: &Positions) -> Result<(), ProjectionError> {
        let behind = |(lane, pos): &(&u8, &u64)| self.built.get(*lane) < Some(*pos);
        let goals: Goals = positions
            .iter()
            .filter(behind)
            .map(|(lane, pos)| {
                let mut goals = vec![0; self.build.targets.len()];
                goals[self.of] = *pos;
                (*lane, goals)
            })
            .collect();
        if !goals.is_empty() {
            self.build.fill(&goals).await?;
        }
        self.built.clone_from(positions);
        Ok(())
    }

    async fn key_types(&self) -> Result<Vec<String>, ProjectionError> {
        let sql = include_str!("admin/key_types.sql");
        let name = format!("{}.{}", self.live.quoted, self.table.name);
        let rows = within(
            STATEMENT,
            self.session.client.query(sql, &[&name, &self.table.key]),
        )
        .await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    /// The key of the last row that both tables have at most `rows` of up to it; `None` where neither has as many.
    async fn end(&self, after: Option<&Key>, rows: u64) -> Result<Option<Key>, ProjectionError> {
        let key = self.table.key.join(", ");
        let of = |target: &Target| {
            format!(
                "(SELECT {key} FROM {}.{} t WHERE {} ORDER BY {key} OFFSET $2 LIMIT 1)",
                target.quoted,
                self.table.name,
                self.beyond(after, ">", 1)
            )
        };
        let sql = format!(
            "SELECT {} FROM ({} UNION ALL {}) ends ORDER BY {key} LIMIT 1",
            self.texts(),
            of(&self.live),
            of(&self.build.targets[self.of])
        );
        let (after, rows) = (after.cloned().unwrap_or_default(), rows as i64 - 1);
        let row = within(STATEMENT, self.session.client.query_opt(&sql, &[&after, &rows])).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Rows behind one key up to another, and how far the read model is in the same snapshot.
    async fn rows(
        &mut self,
        target: &Target,
        after: Option<&Key>,
        upto: Option<&Key>,
    ) -> Result<Rows, ProjectionError> {
        let sql = format!(
            "SELECT {}, hashtextextended(t::text, 0) FROM {}.{} t WHERE {} AND {} ORDER BY {}",
            self.texts(),
            target.quoted,
            self.table.name,
            self.beyond(after, ">", 1),
            self.beyond(upto, "<=", 2),
            self.table.key.join(", ")
        );
        let (after, upto) = (
            after.cloned().unwrap_or_default(),
            upto.cloned().unwrap_or_default(),
        );
        let reading = async {
            let snapshot = self
                .session
                .client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            let at = include_str!("admin/positions.sql");
            let at = snapshot
                .query(at, &[&target.label, &target.projection.version()])
                .await?;
            let rows = snapshot.query(&sql, &[&after, &upto]).await?;
            snapshot.commit().await?;
            Ok::<_, tokio_postgres::Error>((at, rows))
        };
        let (at, rows) = within(STATEMENT, reading).await?;
        let position = |row: &Row| {
            let (lane, pos): (i16, i64) = (row.try_get(0)?, row.try_get(1)?);
            Ok((u8::try_from(lane).unwrap_or(0), pos as u64))
        };
        Ok(Rows {
            positions: at
                .iter()
                .map(position)
                .collect::<Result<_, tokio_postgres::Error>>()?,
            rows: rows
                .iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                .collect::<Result<_, tokio_postgres::Error>>()?,
        })
    }

    /// A condition on the key: how it compares with the values of a parameter, or no condition.
    fn beyond(&self, key: Option<&Key>, than: &str, parameter: usize) -> String {
        if key.is_none() {
            // It is given all the same.
            return format!("${parameter}::text[] IS NOT NULL");
        }
        let values: Vec<String> = (1..)
            .zip(&self.types)
            .map(|(n, kind)| format!("(${parameter}::text[])[{n}]::{kind}"))
            .collect();
        format!("({}) {than} ({})", self.table.key.join(", "), values.join(", "))
    }

    fn texts(&self) -> String {
        let texts: Vec<String> = self
            .table
            .key
            .iter()
            .map(|column| format!("{column}::text"))
            .collect();
        format!("ARRAY[{}]", texts.join(", "))
    }
}

impl TableReport {
    /// Takes in what a page of both tables says.
    fn add(&mut self, live: &Rows, anew: &Rows) {
        self.rows += live.rows.len() as u64;
        self.rows_from_log += anew.rows.len() as u64;
        if live.rows == anew.rows {
            return;
        }
        self.equal = false;
        let by_key = |rows: &Rows| rows.rows.iter().cloned().collect::<HashMap<Key, i64>>();
        let (of_live, of_anew) = (by_key(live), by_key(anew));
        let found = live.rows.iter().filter_map(|(key, row)| match of_anew.get(key) {
            Some(found) if found == row => None,
            Some(_) => Some((key, DifferenceKind::Changed)),
            None => Some((key, DifferenceKind::Unexpected)),
        });
        let missing = anew.rows.iter().filter(|(key, _)| !of_live.contains_key(key));
        let missing = missing.map(|(key, _)| (key, DifferenceKind::Missing));
        let room = SHOWN - self.differences.len();
        let all = found.chain(missing).take(room);
        self.differences.extend(all.map(|(key, kind)| Difference {
            key: key.clone(),
            kind,
        }));
    }
}
