//! Pictures of numbers: SVG and HTML whose colours are style sheets.
