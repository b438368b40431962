//! The same build as a variant wheel of PEP 825 (section 12).

use crate::rejection::Rejection;
use crate::supported::Epochs;
use crate::tag::{AbiTag, RuntimeAbi};
use crate::wheel::{WheelMetadata, WheelName};

/// The variant properties of a runtime ABI, sorted (M-2).
pub fn properties(runtime: &RuntimeAbi) -> Vec<String> {
    let epoch = format!("cxxrt :: abi :: {}", runtime.epoch);
    let cuda = runtime.cuda.as_ref();
    let cuda = cuda.map(|major| format!("nvidia :: cuda_version_lower_bound :: {major}.0"));
    std::iter::once(epoch).chain(cuda).collect()
}

/// The name of a tagged wheel as a variant wheel, and the runtime ABI that is its label (M-1).
pub fn to_variant(filename: &str, epochs: &Epochs) -> Result<(WheelName, RuntimeAbi), Rejection> {
    let mut name: WheelName = filename.parse()?;
    let runtime = name
        .check(epochs, &WheelMetadata::default())?
        .ok_or("M-6")?;
    for abi in &mut name.abi {
        *abi = abi.parse::<AbiTag>()?.base;
    }
    name.label = Some(runtime.to_string());
    Ok((name, runtime))
}

/// The name of a variant wheel as a tagged wheel (M-3, M-4).
pub fn from_variant(
    filename: &str,
    given: &[String],
    epochs: &Epochs,
) -> Result<WheelName, Rejection> {
    let mut name: WheelName = filename.parse()?;
    let label = name.label.take().ok_or("M-4")?;
    let runtime: RuntimeAbi = label.parse().map_err(|_| "M-4")?;
    let mut given = given.to_vec();
    given.sort();
    if given != properties(&runtime) {
        return Err("M-4".into());
    }
    for abi in &mut name.abi {
        if !crate::tag::is_base_abi(abi) {
            return Err("M-4".into());
        }
        *abi = format!("{runtime}_{abi}");
    }
    let name: WheelName = name.to_string().parse()?;
    name.check(epochs, &WheelMetadata::default())?;
    Ok(name)
}
