// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::history::Source;

fn drawn(text: &str, layout: Layout) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let excerpt = Excerpt::whole(&Source::Recording(file.path().into()), false).unwrap();
    let options = Options {
        layout: Some(layout),
        ..Options::default()
    };
    draw(&excerpt, &options, 960).unwrap()
}

fn one_interval(wait: &str, layout: Layout) -> String {
    let text = format!(
        "pid:7 num:0 : usr 0 sys 0{} time 0\npid:7 num:1 : usr 500 sys 0{} time 1000\n",
        wait.replace('N', "0"),
        wait.replace('N', "3000"),
    );
    drawn(&text, layout)
}

#[test]
fn waiting_is_drawn_where_it_is_known() {
    let (known, unknown) = (" wait N", "");
    let is_hatched = |svg: String| svg.contains("fill=\"url(#hatched)\"");
    assert!(is_hatched(one_interval(known, Layout::Panels)));
    assert!(!is_hatched(one_interval(unknown, Layout::Panels)));
    let names = |svg: String| svg.matches("waiting for a CPU").count();
    assert_eq!(names(one_interval(known, Layout::Panels)), 1);
    assert_eq!(names(one_interval(known, Layout::Stacked)), 1);
    assert_eq!(names(one_interval(unknown, Layout::Panels)), 0);
    assert_eq!(names(one_interval(unknown, Layout::Stacked)), 0);
    // 50 % used and 300 % waited for, one on top of the other.
    assert!(one_interval(known, Layout::Panels).contains("\n400\n"));
    assert!(one_interval(known, Layout::Stacked).contains("\n300\n"));
}

#[test]
fn names_are_escaped() {
    let text = "\
# task 7 <b>&\"'
pid:7 num:0 : usr 0 sys 0 time 0
pid:7 num:1 : usr 500 sys 0 time 1000
";
    let svg = drawn(text, Layout::Stacked);
    assert!(
        svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>"),
        "{svg}"
    );
}
