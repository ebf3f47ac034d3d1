//! Writes families of numbers as Prometheus reads them.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeExemplarValue, EncodeGaugeValue, EncodeMetric as _, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use smelt_common::Error;
use smelt_common::error::Result;

/// The type of what [`text`] returns.
pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// The names of labels, each with its value.
pub(super) type Labels<'l, const N: usize> = [(&'static str, &'l str); N];

/// Takes families one after the other, in the order in which they are to stand.
pub(crate) struct Families<'e>(DescriptorEncoder<'e>);

impl Families<'_> {
    /// Writes numbers that may rise and fall.
    pub(super) fn gauge<'l, const N: usize, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'l, N>, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        samples.into_iter().try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_gauge(&value))
    }

    /// Writes numbers that only rise, until they begin again. The name is without `_total`, which is added.
    pub(super) fn counter<'l, const N: usize, V: EncodeCounterValue + EncodeExemplarValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'l, N>, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        let none = None::<&Exemplar<Labels<'_, 0>, V>>;
        samples.into_iter().try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_counter(&value, none))
    }

    /// Writes how many of each size there were.
    pub(super) fn histogram<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'l, N>, &'l Histogram)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        samples.into_iter().try_for_each(|(labels, histogram)| histogram.encode(family.encode_family(&labels)?))
    }
}

/// The crate asks registered collectors for their numbers; here one is made for each scrape.
struct Once<W>(W);

impl<W> fmt::Debug for Once<W> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Once")
    }
}

impl<W: Fn(&mut Families<'_>) -> fmt::Result + Send + Sync + 'static> Collector for Once<W> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)(&mut Families(encoder))
    }
}

/// Returns the families that `write` writes, in version 0.0.4 of Prometheus's text.
pub(crate) fn text(write: impl Fn(&mut Families<'_>) -> fmt::Result + Send + Sync + 'static) -> Result<String> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Once(write)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).map_err(|error| Error::internal(error.to_string()))?;
    Ok(text)
}
