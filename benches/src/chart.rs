//! The picture: throughput over the size of a write.

use std::path::Path;

use plotters::prelude::*;

use crate::{
    job::Outcome,
    plan::{CHART_SIZES, Figure, Who, bytes},
    results::Measured,
};

const SIZE: (u32, u32) = (900, 560);
const LINES: [(Who, RGBColor); 6] = [
    (Who::Raw, RGBColor(110, 110, 110)),
    (Who::Shared, RGBColor(0, 90, 200)),
    (Who::Exclusive, RGBColor(0, 160, 140)),
    (Who::Tonic, RGBColor(150, 80, 190)),
    (Who::PeerTuned, RGBColor(230, 140, 30)),
    (Who::Peer, RGBColor(205, 50, 50)),
];

/// Draws the measured throughput of all contenders into an SVG file.
///
/// # Errors
/// When there is nothing to draw, or the file cannot be written.
pub fn draw(measured: &Measured, file: &Path) -> Outcome<()> {
    let lines = LINES.map(|(who, colour)| (who, colour, points(measured, who)));
    let all = || {
        lines
            .iter()
            .flat_map(|(_, _, points)| points.iter().map(|point| point.1))
    };
    let lowest = all().reduce(f64::min).ok_or("nothing was measured")?;
    let highest = all().reduce(f64::max).unwrap_or(lowest);
    let [first, .., last] = CHART_SIZES;
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Throughput over the size of a write", ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (first..last)
                .log_scale()
                .with_key_points(CHART_SIZES.to_vec()),
            (lowest * 0.7..highest * 1.4).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("bytes in a write")
        .y_desc("GB/s")
        .x_label_formatter(&|&size| bytes(size))
        .y_label_formatter(&|speed| format!("{speed}"))
        .light_line_style(WHITE)
        .draw()?;
    for (who, colour, points) in lines {
        if points.is_empty() {
            continue;
        }
        let dots = points
            .iter()
            .map(|&point| Circle::new(point, 3, colour.filled()));
        chart.draw_series(dots)?;
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(who.label())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    area.present()?;
    Ok(())
}

/// Size and GB/s.
fn points(measured: &Measured, who: Who) -> Vec<(usize, f64)> {
    let rows = measured.rows.iter().filter(|row| row.who == who);
    rows.filter_map(|row| Some((row.size, row.median(Figure::BytesPerSecond)? / 1e9)))
        .collect()
}
