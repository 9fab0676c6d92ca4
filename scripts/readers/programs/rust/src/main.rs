//! readers WHICH < paths, one a line: prints NAME=VALUE and NUL for each variable that the named crate finds.
use std::io::{BufRead, Write};

fn read(which: &str, path: &str) -> Option<Vec<(String, String)>> {
    if which == "dotenvy" {
        return dotenvy::from_path_iter(path).ok()?.collect::<Result<_, _>>().ok();
    }
    #[allow(deprecated)]
    dotenv::from_path_iter(path).ok()?.collect::<Result<_, _>>().ok()
}

fn main() {
    let which = std::env::args().nth(1).expect("which crate");
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for path in std::io::stdin().lock().lines().map_while(Result::ok) {
        for (name, value) in read(&which, &path).unwrap_or_default() {
            write!(out, "{name}={value}\0").expect("a pipe");
        }
    }
}
