//! The complete plan, of datasets and KPIs.

use super::planning::Planning;
use super::records::Plan;
use smelt_common::error::Result;

impl Planning<'_> {
    /// Compares bronze as it is now, and then what KPIs have read, with the catalog.
    pub fn plan(&self) -> Result<Plan> {
        let mut plan = self.bronze()?;
        for dataset in &mut plan.datasets {
            dataset.estimate = self.cleaning(dataset);
        }
        let mut kpis = self.kpis(&plan.datasets);
        for (kpi, step) in kpis.iter_mut().zip(&self.pipeline.kpis).filter(|(kpi, _)| kpi.reason.is_some()) {
            kpi.estimate = self.aggregating(step, &plan.datasets);
        }
        Ok(Plan { kpis, ..plan })
    }
}
