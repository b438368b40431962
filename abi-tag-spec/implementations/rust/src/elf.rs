//! What a policy asks of an ELF file: 64-bit, little-endian (System V gABI, GNU symbol versioning).

use std::collections::HashMap;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_GNU_STACK: u32 = 0x6474_e551;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_SONAME: u64 = 14;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const DT_VERSYM: u64 = 0x6fff_fff0;
const DT_VERNEED: u64 = 0x6fff_fffe;
const STB_WEAK: u8 = 2;
const VER_FLG_WEAK: u16 = 2;

/// A dynamic symbol.
#[derive(Debug, Clone)]
pub struct Symbol {
    /// Mangled.
    pub name: String,
    /// Whether nothing breaks without it.
    pub weak: bool,
    /// Whether the object has it.
    pub defined: bool,
    /// SONAME of the library whose version it needs.
    pub library: Option<String>,
}

/// The facts of one object.
#[derive(Debug, Clone)]
pub struct Object {
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `DT_NEEDED`.
    pub needed: Vec<String>,
    /// The entries of `DT_RUNPATH`, or of `DT_RPATH` in its absence.
    pub search_path: Vec<String>,
    /// Whether it asks for an executable stack, in words or by silence (P-7).
    pub executable_stack: bool,
    /// SONAME to needed symbol versions, without weak ones.
    pub versions: Vec<(String, Vec<String>)>,
    /// The dynamic symbols.
    pub symbols: Vec<Symbol>,
}

struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    size: u64,
}

/// Bytes with reads that cannot fail otherwise than by none.
struct Image<'a> {
    bytes: &'a [u8],
    segments: Vec<Segment>,
    /// Where the string table begins.
    strings: u64,
}

impl Image<'_> {
    fn read<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let start = usize::try_from(at).ok()?;
        self.bytes
            .get(start..start.checked_add(N)?)?
            .try_into()
            .ok()
    }

    fn half(&self, at: u64) -> Option<u16> {
        self.read(at).map(u16::from_le_bytes)
    }

    fn word(&self, at: u64) -> Option<u32> {
        self.read(at).map(u32::from_le_bytes)
    }

    fn long(&self, at: u64) -> Option<u64> {
        self.read(at).map(u64::from_le_bytes)
    }

    /// Where in the file an address lies.
    fn place(&self, address: u64) -> Option<u64> {
        let holds = |segment: &&Segment| {
            let inside = address.checked_sub(segment.address);
            segment.kind == PT_LOAD && inside.is_some_and(|inside| inside < segment.size)
        };
        let segment = self.segments.iter().find(holds)?;
        segment.offset.checked_add(address - segment.address)
    }

    fn text(&self, offset: u64) -> Option<String> {
        let start = usize::try_from(self.strings.checked_add(offset)?).ok()?;
        let rest = self.bytes.get(start..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        // One character per byte: names are compared, and need not be UTF-8.
        rest.get(..end)
            .map(|bytes| bytes.iter().map(|byte| char::from(*byte)).collect())
    }
}

impl Object {
    /// The facts of a file; none for one that is no such file, or is damaged (Z-4).
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut image = Image {
            bytes,
            segments: Vec::new(),
            strings: 0,
        };
        if image.read(0)? != [0x7f, b'E', b'L', b'F', 2, 1] {
            return None;
        }
        let (table, size, count) = (image.long(32)?, image.half(54)?, image.half(56)?);
        for number in 0..u64::from(count) {
            let at = table.checked_add(number * u64::from(size))?;
            let segment = Segment {
                kind: image.word(at)?,
                flags: image.word(at.checked_add(4)?)?,
                offset: image.long(at.checked_add(8)?)?,
                address: image.long(at.checked_add(16)?)?,
                size: image.long(at.checked_add(32)?)?,
            };
            image.segments.push(segment);
        }
        let entries = dynamic_entries(&image)?;
        let value = |tag| {
            entries
                .iter()
                .find(|(found, _)| *found == tag)
                .map(|(_, value)| *value)
        };
        image.strings = image.place(value(DT_STRTAB)?)?;
        let named = |tag| value(tag).map_or(Some(None), |offset| image.text(offset).map(Some));
        let needed = entries.iter().filter(|(tag, _)| *tag == DT_NEEDED);
        let (versions, libraries) = match value(DT_VERNEED) {
            Some(address) => version_needs(&image, image.place(address)?)?,
            None => (Vec::new(), HashMap::new()),
        };
        let search_path = named(DT_RUNPATH)?.or(named(DT_RPATH)?);
        let stack = image
            .segments
            .iter()
            .find(|segment| segment.kind == PT_GNU_STACK);
        let symbols = match (value(DT_SYMTAB), value(DT_GNU_HASH)) {
            (Some(table), Some(hash)) => {
                let versions = match value(DT_VERSYM) {
                    Some(address) => Some(image.place(address)?),
                    None => None,
                };
                let count = symbol_count(&image, image.place(hash)?)?;
                symbols(&image, image.place(table)?, versions, count, &libraries)?
            }
            _ => Vec::new(),
        };
        Some(Self {
            soname: named(DT_SONAME)?,
            needed: needed
                .map(|(_, offset)| image.text(*offset))
                .collect::<Option<_>>()?,
            search_path: search_path
                .map(|path| path.split(':').map(str::to_string).collect())
                .unwrap_or_default(),
            executable_stack: stack.is_none_or(|segment| segment.flags & 1 != 0),
            versions,
            symbols,
        })
    }
}

fn dynamic_entries(image: &Image<'_>) -> Option<Vec<(u64, u64)>> {
    let dynamic = image
        .segments
        .iter()
        .find(|segment| segment.kind == PT_DYNAMIC)?;
    let mut entries = Vec::new();
    let mut at = dynamic.offset;
    loop {
        let tag = image.long(at)?;
        if tag == 0 {
            return Some(entries);
        }
        entries.push((tag, image.long(at.checked_add(8)?)?));
        at = at.checked_add(16)?;
    }
}

/// The needed versions by library, and the library of each version's number.
#[allow(clippy::type_complexity)]
fn version_needs(
    image: &Image<'_>,
    mut at: u64,
) -> Option<(Vec<(String, Vec<String>)>, HashMap<u16, String>)> {
    let (mut needs, mut libraries) = (Vec::new(), HashMap::new());
    loop {
        let library = image.text(image.word(at.checked_add(4)?)?.into())?;
        let mut nodes = Vec::new();
        let mut aux = at.checked_add(image.word(at.checked_add(8)?)?.into())?;
        loop {
            if image.half(aux.checked_add(4)?)? & VER_FLG_WEAK == 0 {
                nodes.push(image.text(image.word(aux.checked_add(8)?)?.into())?);
            }
            libraries.insert(image.half(aux.checked_add(6)?)?, library.clone());
            match image.word(aux.checked_add(12)?)? {
                0 => break,
                next => aux = aux.checked_add(next.into())?,
            }
        }
        needs.push((library, nodes));
        match image.word(at.checked_add(12)?)? {
            0 => return Some((needs, libraries)),
            next => at = at.checked_add(next.into())?,
        }
    }
}

/// The last chain of `DT_GNU_HASH` ends at the last symbol.
fn symbol_count(image: &Image<'_>, table: u64) -> Option<u64> {
    let buckets = u64::from(image.word(table)?);
    let first = u64::from(image.word(table.checked_add(4)?)?);
    let bloom = u64::from(image.word(table.checked_add(8)?)?);
    let start = table.checked_add(16 + bloom * 8)?;
    let mut last = 0;
    for bucket in 0..buckets {
        last = last.max(image.word(start.checked_add(bucket * 4)?)?.into());
    }
    if last < first {
        return Some(first);
    }
    while image.word(start.checked_add((buckets + last - first) * 4)?)? & 1 == 0 {
        last += 1;
    }
    Some(last + 1)
}

fn symbols(
    image: &Image<'_>,
    table: u64,
    versions: Option<u64>,
    count: u64,
    libraries: &HashMap<u16, String>,
) -> Option<Vec<Symbol>> {
    let mut found = Vec::new();
    for number in 0..count {
        let at = table.checked_add(number * 24)?;
        let [binding] = image.read(at.checked_add(4)?)?;
        let library = match versions {
            Some(versions) => {
                let version = image.half(versions.checked_add(number * 2)?)?;
                libraries.get(&(version & 0x7fff)).cloned()
            }
            None => None,
        };
        found.push(Symbol {
            name: image.text(image.word(at)?.into())?,
            weak: binding >> 4 == STB_WEAK,
            defined: image.half(at.checked_add(6)?)? != 0,
            library,
        });
    }
    Some(found)
}
