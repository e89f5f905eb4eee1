use std::sync::Arc;

use llm_core::{Meter, Price, PriceLine, Protocol};
use llm_providers::registry::ProviderRow;
use llm_providers::{Provider, Timeouts};

use super::of;
use crate::routing::{Deployment, Overrides, Tariff};

fn deployment(percent: Option<u8>, lines: &[(Meter, i64, Option<&str>)]) -> Deployment {
    let mut row = ProviderRow::new("Test", Protocol::OpenAiChat, "http://127.0.0.1:9");
    row.batch_percent = percent;
    let provider = Provider::new("test", row, None, Timeouts::default()).unwrap();
    let line = |&(meter, nano_per_million, service): &(Meter, i64, Option<&str>)| PriceLine {
        meter,
        above: 0,
        service: service.map(str::to_owned),
        nano_per_million,
    };
    let price = Price { lines: lines.iter().map(line).collect() };
    let bare = Deployment::of(Arc::new(provider), "m", Timeouts::default(), &Overrides::default());
    Deployment { own: Arc::new(Tariff::of_file(price)), ..bare }
}

#[test]
fn a_line_for_batches_wins_over_a_share_and_a_share_over_nothing() {
    let ordinary = [(Meter::Input, 1001, None), (Meter::Output, 4000, None), (Meter::Input, 9, Some("flex"))];
    let rate = |deployment: &Deployment, meter| of(deployment).rate(meter, 0, None);
    let half = deployment(Some(50), &ordinary);
    assert_eq!((rate(&half, Meter::Input), rate(&half, Meter::Output)), (Some(501), Some(2000)));
    let full = deployment(None, &ordinary);
    assert_eq!((rate(&full, Meter::Input), rate(&full, Meter::Output)), (Some(1001), Some(4000)));
    let listed = [&ordinary[..], &[(Meter::Input, 300, Some("batch"))]].concat();
    let listed = deployment(Some(50), &listed);
    assert_eq!((rate(&listed, Meter::Input), rate(&listed, Meter::Output)), (Some(300), Some(4000)));
    assert!(of(&deployment(Some(50), &[])).lines.is_empty());
}
