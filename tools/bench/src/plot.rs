//! The results as drawings for the documents: lines, rectangles and text, in SVG.

use anyhow::Context as _;
use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use tools_kit::table;

use crate::{endurance, workloads};

const SERVICE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const PGBENCH: RGBColor = RGBColor(0xc0, 0xc6, 0xce);
const TEXT: RGBColor = RGBColor(0x26, 0x2b, 0x33);
const GRID: RGBColor = RGBColor(0xe3, 0xe6, 0xea);
const WIDTH: u32 = 860;
/// The height of a workload's two bars with the space around them.
const ROW: u32 = 46;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A bar of the service and one of pgbench for each point that counts.
pub(crate) fn rates(outcome: &workloads::Outcome) -> anyhow::Result<String> {
    let bars: Vec<Bars> = outcome.points.iter().filter_map(bars).collect();
    let mut svg = String::new();
    let height = 110 + ROW * u32::try_from(bars.len()).context("there are too many points to draw")?;
    draw_rates(&SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area(), &bars)?;
    Ok(svg)
}

struct Bars {
    name: String,
    service: f64,
    pgbench: Option<f64>,
}

fn bars(measured: &workloads::Measured) -> Option<Bars> {
    let point = measured.point;
    let service = measured.samples.medians()?.rate;
    Some(Bars {
        name: format!("{}, {}", point.workload.name(), point.connections),
        service,
        pgbench: measured.pgbench(),
    })
}

fn draw_rates(canvas: &Canvas<'_>, all: &[Bars]) -> anyhow::Result<()> {
    canvas.fill(&WHITE)?;
    let highest = all.iter().flat_map(|bars| [bars.service, bars.pgbench.unwrap_or(0.0)]).fold(1.0, f64::max);
    let count = f64::from(u32::try_from(all.len())?.max(1));
    let mut chart = ChartBuilder::on(canvas)
        .caption("Requests per second; workload and connections", text(19))
        .margin(14)
        .margin_right(24)
        .set_label_area_size(LabelAreaPosition::Left, 190)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(0.0..highest * 1.12, count..0.0)?;
    let rate = |rate: &f64| table::whole(*rate);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .max_light_lines(1)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_label_formatter(&rate)
        .label_style(text(13))
        .draw()?;
    let area = chart.plotting_area();
    for (row, bars) in (0_u32..).zip(all) {
        let top = f64::from(row);
        area.draw(&Rectangle::new([(0.0, top + 0.14), (bars.service, top + 0.50)], SERVICE.filled()))?;
        number(canvas, area.map_coordinate(&(bars.service, top + 0.32)), bars.service)?;
        if let Some(pgbench) = bars.pgbench {
            area.draw(&Rectangle::new([(0.0, top + 0.52), (pgbench, top + 0.86)], PGBENCH.filled()))?;
            number(canvas, area.map_coordinate(&(pgbench, top + 0.69)), pgbench)?;
        }
        let (x, y) = area.map_coordinate(&(0.0, top + 0.5));
        canvas.draw(&Text::new(bars.name.clone(), (x - 10, y), beside(HPos::Right)))?;
    }
    draw_legend(canvas)?;
    canvas.present()?;
    Ok(())
}

/// The number of a bar, behind its end.
fn number(canvas: &Canvas<'_>, end: (i32, i32), rate: f64) -> anyhow::Result<()> {
    canvas.draw(&Text::new(table::whole(rate), (end.0 + 5, end.1), beside(HPos::Left)))?;
    Ok(())
}

fn draw_legend(canvas: &Canvas<'_>) -> anyhow::Result<()> {
    let (_, height) = canvas.dim_in_pixel();
    let y = i32::try_from(height)? - 18;
    for (x, colour, name) in
        [(204, SERVICE, "the service"), (330, PGBENCH, "pgbench with the same SQL, without HTTP")]
    {
        canvas.draw(&Rectangle::new([(x, y - 6), (x + 12, y + 6)], colour.filled()))?;
        canvas.draw(&Text::new(name, (x + 18, y), beside(HPos::Left)))?;
    }
    Ok(())
}

/// Resident memory over time.
pub(crate) fn memory(outcome: &endurance::Outcome) -> anyhow::Result<String> {
    let mut svg = String::new();
    draw_memory(&SVGBackend::with_string(&mut svg, (WIDTH, 360)).into_drawing_area(), &outcome.memory)?;
    Ok(svg)
}

fn draw_memory(canvas: &Canvas<'_>, readings: &[f64]) -> anyhow::Result<()> {
    canvas.fill(&WHITE)?;
    let highest = readings.iter().copied().fold(1.0, f64::max);
    let minutes = |second: u32| f64::from(second) / 60.0;
    let end = minutes(u32::try_from(readings.len())?.max(60));
    let mut chart = ChartBuilder::on(canvas)
        .caption("Resident memory under the mix with 100 connections", text(19))
        .margin(14)
        .margin_right(24)
        .set_label_area_size(LabelAreaPosition::Left, 56)
        .set_label_area_size(LabelAreaPosition::Bottom, 46)
        .build_cartesian_2d(0.0..end, 0.0..highest * 1.2)?;
    chart
        .configure_mesh()
        .max_light_lines(1)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_desc("minutes")
        .y_desc("MiB")
        .label_style(text(13))
        .axis_desc_style(text(13))
        .draw()?;
    let line = (0..).zip(readings).map(|(second, mib)| (minutes(second), *mib));
    chart.draw_series(LineSeries::new(line, SERVICE.stroke_width(2)))?;
    canvas.present()?;
    Ok(())
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&TEXT)
}

/// Text whose middle is at the height of a point, on that side of it.
fn beside(side: HPos) -> TextStyle<'static> {
    text(13).pos(Pos::new(side, VPos::Center))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_has_its_name_and_its_number() {
        let bars = [
            Bars { name: "get, 100".to_owned(), service: 48_344.0, pgbench: Some(41_074.0) },
            Bars { name: "mix, 10".to_owned(), service: 6_026.0, pgbench: None },
        ];
        let mut svg = String::new();
        draw_rates(&SVGBackend::with_string(&mut svg, (WIDTH, 200)).into_drawing_area(), &bars).unwrap();
        for text in ["get, 100", "48,344", "41,074", "mix, 10", "6,026", "pgbench"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(svg.trim_end().ends_with("</svg>"), "{svg}");
    }

    #[test]
    fn memory_is_a_line_over_minutes() {
        let mut svg = String::new();
        let canvas = SVGBackend::with_string(&mut svg, (WIDTH, 360)).into_drawing_area();
        draw_memory(&canvas, &[14.0, 20.0, 21.5]).unwrap();
        drop(canvas);
        assert!(svg.contains("<polyline") && svg.contains("minutes"), "{svg}");
    }
}
