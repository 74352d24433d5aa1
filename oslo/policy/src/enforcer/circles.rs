//! Finds rules that lead back to themselves.

/// For each rule the number of its component: rules that lead to each other have the same one, a
/// rule on no circle has one of its own. (A rule that refers to itself is found by that.)
pub(super) fn components(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut backwards = vec![Vec::new(); edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        for &to in targets {
            backwards[to].push(from);
        }
    }
    let mut seen = vec![false; edges.len()];
    let mut order = Vec::with_capacity(edges.len());
    for start in 0..edges.len() {
        walk(edges, start, &mut seen, &mut order);
    }
    let mut component = vec![usize::MAX; edges.len()];
    let mut seen = vec![false; edges.len()];
    for &start in order.iter().rev() {
        let mut members = Vec::new();
        walk(&backwards, start, &mut seen, &mut members);
        for member in members {
            component[member] = start;
        }
    }
    component
}

/// Visits everything not yet seen that can be reached, children before their parents.
fn walk(edges: &[Vec<usize>], start: usize, seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    let mut path = vec![(start, edges[start].iter())];
    while let Some((node, next)) = path.last_mut() {
        match next.next() {
            Some(&child) => {
                if !std::mem::replace(&mut seen[child], true) {
                    path.push((child, edges[child].iter()));
                }
            }
            None => {
                order.push(*node);
                path.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether one can go from one node to another, by trying.
    fn reaches(edges: &[Vec<usize>], from: usize, to: usize) -> bool {
        let mut reached = vec![false; edges.len()];
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            for &next in &edges[node] {
                if !std::mem::replace(&mut reached[next], true) {
                    open.push(next);
                }
            }
        }
        reached[to]
    }

    proptest! {
        #[test]
        fn same_component_means_there_and_back(
            edges in prop::collection::vec(prop::collection::vec(0..8usize, 0..3), 8)
        ) {
            let component = components(&edges);
            for a in 0..edges.len() {
                for b in 0..edges.len() {
                    let both = a == b || (reaches(&edges, a, b) && reaches(&edges, b, a));
                    prop_assert_eq!(component[a] == component[b], both, "{} {}", a, b);
                }
            }
        }
    }
}
