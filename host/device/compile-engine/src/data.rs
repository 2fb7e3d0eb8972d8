//! Joins the engine's data segments: asc writes one for each literal, and the code that puts a
//! segment into memory is five times as large as the hole to the next one.

use std::error::Error;

use wasm_encoder::{ConstExpr, DataSection, Module, RawSection};
use wasmparser::{Data, DataKind, DataSectionReader, Operator, Parser, Payload};

/// Zeros that are written to join two segments: asc aligns literals to 16 bytes.
const MAX_HOLE_BYTES: usize = 16;

/// Bytes and where they go.
struct Segment {
    start: usize,
    bytes: Vec<u8>,
}

/// The same module with fewer segments.
pub fn join_segments(wasm: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::DataSection(section) => {
                module.section(&encode(&joined(section)?));
            }
            // Only modules that name segments in their code need their number.
            Payload::DataCountSection { .. } => (),
            other => {
                if let Some((id, range)) = other.as_section() {
                    module.section(&RawSection { id, data: &wasm[range] });
                }
            }
        }
    }
    Ok(module.finish())
}

fn joined(section: DataSectionReader) -> Result<Vec<Segment>, Box<dyn Error>> {
    let mut segments =
        section.into_iter().map(|data| read(data?)).collect::<Result<Vec<_>, _>>()?;
    segments.sort_by_key(|segment| segment.start);
    let mut joined: Vec<Segment> = Vec::new();
    for segment in segments {
        if let Some(last) = joined.last_mut() {
            let end = last.start + last.bytes.len();
            let hole = segment.start.checked_sub(end).ok_or("two data segments overlap")?;
            if hole <= MAX_HOLE_BYTES {
                last.bytes.resize(last.bytes.len() + hole, 0);
                last.bytes.extend(segment.bytes);
                continue;
            }
        }
        joined.push(segment);
    }
    Ok(joined)
}

fn read(data: Data) -> Result<Segment, Box<dyn Error>> {
    if let DataKind::Active { memory_index: 0, offset_expr } = data.kind
        && let Operator::I32Const { value } = offset_expr.get_operators_reader().read()?
    {
        return Ok(Segment { start: value as u32 as usize, bytes: data.data.to_vec() });
    }
    Err("a data segment has no fixed place in memory".into())
}

fn encode(segments: &[Segment]) -> DataSection {
    let mut section = DataSection::new();
    for Segment { start, bytes } in segments {
        section.active(0, &ConstExpr::i32_const(*start as i32), bytes.iter().copied());
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(segments: &[(i32, &[u8])]) -> Vec<u8> {
        let mut data = DataSection::new();
        for &(start, bytes) in segments {
            data.active(0, &ConstExpr::i32_const(start), bytes.iter().copied());
        }
        let mut module = Module::new();
        module.section(&data);
        module.finish()
    }

    #[test]
    fn holes_up_to_a_literals_alignment_are_filled() {
        let joined = join_segments(&module(&[(40, b"c"), (16, b"a"), (19, b"b")])).unwrap();
        assert_eq!(joined, module(&[(16, b"a\0\0b"), (40, b"c")]));
    }

    #[test]
    fn segments_that_overlap_are_refused() {
        let error = join_segments(&module(&[(16, b"abc"), (18, b"d")])).unwrap_err();
        assert_eq!(error.to_string(), "two data segments overlap");
    }
}
