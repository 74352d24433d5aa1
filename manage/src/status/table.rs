use super::Check;

/// Where details are broken.
const WIDTH: usize = 60;

/// The table that `<service>-status upgrade check` prints.
pub fn table(checks: &[Check]) -> String {
    let title = "Upgrade Check Results".to_owned();
    let mut cells = vec![vec![title]];
    for check in checks {
        let mut lines =
            vec![format!("Check: {}", check.name), format!("Result: {}", check.finding.name())];
        let details = check.details.as_deref().unwrap_or("None");
        lines.extend(wrapped(&format!("Details: {details}")));
        cells.push(lines);
    }
    let width = cells.iter().flatten().map(|line| line.chars().count()).max().unwrap_or(0);
    let rule = format!("+{}+\n", "-".repeat(width + 2));
    let mut text = rule.clone();
    for cell in cells {
        for line in cell {
            let room = " ".repeat(width - line.chars().count());
            text.push_str(&format!("| {line}{room} |\n"));
        }
        text.push_str(&rule);
    }
    text
}

/// Lines of at most [`WIDTH`] characters, broken between words, all but the first set in.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let length = lines.last().map_or(0, |line| line.chars().count());
        let blank = length > 0 && lines.last().is_some_and(|line| !line.trim().is_empty());
        if blank && length + 1 + word.chars().count() > WIDTH {
            lines.push(format!("  {word}"));
        } else if let Some(line) = lines.last_mut() {
            if blank {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_one_that_operators_know() {
        let checks = [
            Check::success("Database"),
            Check::failure(
                "Database Schema",
                "2026-11-23-000004_quotas is pending: run `firn-manage db sync` before the \
                 services start",
            ),
        ];
        let expected = "\
+------------------------------------------------------------+
| Upgrade Check Results                                      |
+------------------------------------------------------------+
| Check: Database                                            |
| Result: Success                                            |
| Details: None                                              |
+------------------------------------------------------------+
| Check: Database Schema                                     |
| Result: Failure                                            |
| Details: 2026-11-23-000004_quotas is pending: run          |
|   `firn-manage db sync` before the services start          |
+------------------------------------------------------------+
";
        let table = table(&checks);
        // As wide as its longest line needs.
        let squeezed = |text: &str| {
            let lines = text.lines().map(|line| line.trim_matches(['|', '+', '-', ' ']).to_owned());
            lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(squeezed(&table), squeezed(expected));
        let widths: Vec<_> = table.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
        assert!(widths[0] <= WIDTH + 4);
    }

    #[test]
    fn a_word_that_is_too_long_stands_alone() {
        let long = "x".repeat(100);
        assert_eq!(wrapped(&format!("Details: {long} b")).len(), 3);
    }
}
