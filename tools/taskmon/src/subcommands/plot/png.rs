// SPDX-License-Identifier: GPL-2.0

//! Converts the SVG drawing to PNG. The font is part of the program.

use anyhow::{anyhow, Context, Result};
use resvg::{tiny_skia, usvg};
use std::sync::Arc;

/// Pixels per unit of the drawing. With two, text is sharp on a screen of high resolution.
const SCALE: f32 = 2.0;

/// Returns the drawing `svg` as a PNG file.
pub fn from_svg(svg: &str) -> Result<Vec<u8>> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    let options = usvg::Options {
        font_family: "DejaVu Sans".to_string(),
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).context("reading the drawing")?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(SCALE)
        .ok_or_else(|| anyhow!("the drawing has no size"))?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or_else(|| {
        anyhow!(
            "the drawing is too large: {} × {} pixels",
            size.width(),
            size.height()
        )
    })?;
    resvg::render(
        &tree,
        tiny_skia::Transform::from_scale(SCALE, SCALE),
        &mut pixels.as_mut(),
    );
    pixels.encode_png().context("encoding PNG")
}
