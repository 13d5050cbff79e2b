// SPDX-License-Identifier: GPL-2.0

//! Hatched areas. plotters fills areas with plain colours only, so they are drawn in a colour that
//! nothing else has. In the finished drawing, a pattern takes its place.

use plotters::prelude::RGBColor;

/// The colour that stands for the pattern: its mean.
pub const HATCHED: RGBColor = RGBColor(0xcc, 0xd0, 0xd6);

/// Diagonal lines on a pale ground, which differ from plain areas also without colours.
const PATTERN: &str = "\
<defs>
<pattern id=\"hatched\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">
<rect width=\"5\" height=\"5\" fill=\"#E9EBEE\"/>
<rect width=\"1.5\" height=\"5\" fill=\"#838B97\"/>
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hatched_areas_change() {
        let plain = "<svg width=\"9\">\n<rect fill=\"#3B6FB6\"/>\n<text>#CCD0D6</text>\n</svg>\n";
        assert_eq!(with_pattern(plain), plain);
        let drawn = plain.replace("#3B6FB6", "#CCD0D6");
        let hatched = with_pattern(&drawn);
        assert!(hatched.starts_with("<svg width=\"9\">\n<defs>"));
        assert!(hatched.ends_with("<rect fill=\"url(#hatched)\"/>\n<text>#CCD0D6</text>\n</svg>\n"));
    }
}
