// SPDX-License-Identifier: GPL-2.0

//! Hatched areas. plotters fills areas with plain colours only, so they are drawn in a colour that
//! nothing else has. In the finished drawing, a pattern takes its place.

use plotters::prelude::RGBColor;

/// The colour that stands for the pattern: its mean.
pub const HATCHED: RGBColor = RGBColor(0xd9, 0xdc, 0xe1);

/// Diagonal lines on a pale ground, which differ from plain areas also without colours.
const PATTERN: &str = "\
<defs>
<pattern id=\"hatched\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">
<rect width=\"6\" height=\"6\" fill=\"#F4F5F7\"/>
<rect width=\"1.6\" height=\"6\" fill=\"#8A919C\"/>
</pattern>
</defs>
";

/// Returns an SVG drawing in which the pattern has replaced its colour.
pub fn with_pattern(svg: &str) -> String {
    let RGBColor(red, green, blue) = HATCHED;
    // In text, quotation marks are escaped, so only attributes match.
    let plain = format!("fill=\"#{red:02X}{green:02X}{blue:02X}\"");
    if !svg.contains(&plain) {
        return svg.to_string();
    }
    let hatched = svg.replace(&plain, "fill=\"url(#hatched)\"");
    match hatched.split_once(">\n") {
        Some((begin, rest)) => format!("{begin}>\n{PATTERN}{rest}"),
        None => hatched,
    }
}
