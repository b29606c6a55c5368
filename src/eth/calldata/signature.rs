//! Functions that are known by their signature: a table, and how to read what it says.

use std::collections::HashMap;
use std::sync::LazyLock;

use alloy::primitives::{Address, I256, U256, keccak256};

use super::frame::{Error, Frame};

/// Functions that batches for Audius, tokens and exchanges are made of. Arguments have names,
/// results don't.
const SIGNATURES: &[&str] = &[
    // ERC-20
    "balanceOf(address account)(uint256)",
    "allowance(address owner, address spender)(uint256)",
    "totalSupply()(uint256)",
    "decimals()(uint8)",
    "symbol()(string)",
    "name()(string)",
    "transfer(address to, uint256 amount)(bool)",
    "transferFrom(address from, address to, uint256 amount)(bool)",
    "approve(address spender, uint256 amount)(bool)",
    "nonces(address owner)(uint256)",
    "mint(address to, uint256 amount)()",
    "burn(uint256 amount)()",
    // Audius
    "totalStakedFor(address account)(uint256)",
    "totalStaked()(uint256)",
    "getTotalDelegatorStake(address delegator)(uint256)",
    "getTotalDelegatedToServiceProvider(address serviceProvider)(uint256)",
    "getDelegatorsList(address serviceProvider)(address[])",
    "getDelegatorStakeForServiceProvider(address delegator, address serviceProvider)(uint256)",
    "getPendingUndelegateRequest(address delegator)(address, uint256, uint256)",
    "delegateStake(address serviceProvider, uint256 amount)(uint256)",
    "requestUndelegateStake(address serviceProvider, uint256 amount)(uint256)",
    "undelegateStake()(uint256)",
    "claimRewards(address serviceProvider)()",
    "slash(uint256 amount, address slashAddress)()",
    "stakeFor(address account, uint256 amount, bytes data)()",
    "unstakeFor(address account, uint256 amount, bytes data)()",
    "lastStakedFor(address account)(uint256)",
    "totalStakedForAt(address account, uint256 blockNumber)(uint256)",
    "getServiceProviderDetails(address serviceProvider)(uint256, uint256, bool, uint256, uint256, uint256)",
    "getContract(bytes32 name)(address)",
    "isWhitelisted(address account)(bool)",
    // Multicall3
    "getBlockNumber()(uint256)",
    "getBlockHash(uint256 blockNumber)(bytes32)",
    "getLastBlockHash()(bytes32)",
    "getCurrentBlockTimestamp()(uint256)",
    "getCurrentBlockGasLimit()(uint256)",
    "getCurrentBlockCoinbase()(address)",
    "getCurrentBlockDifficulty()(uint256)",
    "getEthBalance(address account)(uint256)",
    "getBasefee()(uint256)",
    "getChainId()(uint256)",
    // ERC-721, ownership, exchanges, price feeds
    "ownerOf(uint256 tokenId)(address)",
    "tokenURI(uint256 tokenId)(string)",
    "getApproved(uint256 tokenId)(address)",
    "isApprovedForAll(address owner, address operator)(bool)",
    "setApprovalForAll(address operator, bool approved)()",
    "supportsInterface(bytes4 interfaceId)(bool)",
    "owner()(address)",
    "paused()(bool)",
    "token0()(address)",
    "token1()(address)",
    "getReserves()(uint112, uint112, uint32)",
    "getPair(address tokenA, address tokenB)(address)",
    "slot0()(uint160, int24, uint16, uint16, uint16, uint8, bool)",
    "liquidity()(uint128)",
    "latestAnswer()(int256)",
    "latestRoundData()(uint80, int256, uint256, uint256, uint80)",
];

/// Elements of a list that are read; what follows is counted.
const MOST_ELEMENTS: usize = 1_000;

/// A value of a type of the ABI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `address`
    Address(Address),
    /// `uintN`
    Uint(U256),
    /// `intN`
    Int(I256),
    /// `bool`
    Bool(bool),
    /// `bytesN` and `bytes`
    Bytes(Vec<u8>),
    /// `string`; what is not UTF-8 in it is replaced.
    Text(String),
    /// An array: its first elements, and how many it has.
    List(Vec<Self>, usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Address,
    Uint(usize),
    Int(usize),
    Bool,
    FixedBytes(usize),
    Bytes,
    Text,
    List(Box<Self>),
}

/// A known function.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    inputs: Vec<(&'static str, Kind)>,
    outputs: Vec<Kind>,
}

static TABLE: LazyLock<HashMap<[u8; 4], Known>> =
    LazyLock::new(|| SIGNATURES.iter().map(|text| parse(text)).collect());

/// The function with this selector.
pub(super) fn find(selector: [u8; 4]) -> Option<&'static Known> {
    TABLE.get(&selector)
}

/// Selector and function of a line of the table.
fn parse(text: &'static str) -> ([u8; 4], Known) {
    let (name, rest) = text.split_once('(').expect("a signature has arguments");
    let (inputs, outputs) = rest.split_once(")(").expect("a signature has results");
    let outputs = outputs.trim_end_matches(')');
    let inputs: Vec<(&str, &str)> = list(inputs)
        .map(|input| input.split_once(' ').expect("arguments have a type and a name"))
        .collect();
    let types: Vec<&str> = inputs.iter().map(|(kind, _)| *kind).collect();
    let hash = keccak256(format!("{name}({})", types.join(",")));
    let selector = [hash[0], hash[1], hash[2], hash[3]];
    let inputs = inputs.into_iter().map(|(kind, name)| (name, Kind::of(kind))).collect();
    (selector, Known { name, inputs, outputs: list(outputs).map(Kind::of).collect() })
}

fn list(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(", ").filter(|item| !item.is_empty())
}

impl Known {
    /// The arguments in calldata after its selector.
    pub(super) fn inputs(&self, arguments: Frame<'_>) -> Result<Vec<(&'static str, Value)>, Error> {
        let kinds = self.inputs.iter().enumerate();
        kinds.map(|(index, (name, kind))| Ok((*name, kind.read(arguments, 32 * index)?))).collect()
    }

    /// The results in return data; `None` where it is too short for them or does not fit.
    pub(super) fn outputs(&self, data: Frame<'_>) -> Option<Vec<Value>> {
        let kinds = self.outputs.iter().enumerate();
        kinds.map(|(index, kind)| kind.read(data, 32 * index).ok()).collect()
    }
}

impl Kind {
    fn of(text: &str) -> Self {
        let bits = |text: &str| text.parse().expect("types of the table have a width");
        if let Some(element) = text.strip_suffix("[]") {
            return Self::List(Box::new(Self::of(element)));
        }
        match text {
            "address" => Self::Address,
            "bool" => Self::Bool,
            "bytes" => Self::Bytes,
            "string" => Self::Text,
            _ => match (text.strip_prefix("uint"), text.strip_prefix("int")) {
                (Some(width), _) => Self::Uint(bits(width)),
                (_, Some(width)) => Self::Int(bits(width)),
                _ => Self::FixedBytes(bits(text.strip_prefix("bytes").unwrap_or_default())),
            },
        }
    }

    /// The value whose head is at `at`.
    fn read(&self, frame: Frame<'_>, at: usize) -> Result<Value, Error> {
        const WHAT: &str = "an argument";
        Ok(match self {
            Self::Address => Value::Address(frame.address(at, WHAT)?),
            Self::Bool => Value::Bool(frame.flag(at, WHAT)?),
            Self::Uint(bits) => {
                let number = U256::from_be_bytes(*frame.word(at, WHAT)?);
                if number.bit_len() > *bits {
                    let place = frame.skip(at, WHAT)?;
                    return Err(
                        place.problem(format!("a uint{bits} has {} bits", number.bit_len()))
                    );
                }
                Value::Uint(number)
            }
            Self::Int(bits) => {
                let number = I256::from_be_bytes(*frame.word(at, WHAT)?);
                // A negative number has a sign bit and all bits above set.
                if number.asr(bits - 1) != I256::ZERO && number.asr(bits - 1) != I256::MINUS_ONE {
                    let place = frame.skip(at, WHAT)?;
                    return Err(place.problem(format!("an int{bits} has more bits")));
                }
                Value::Int(number)
            }
            Self::FixedBytes(length) => Value::Bytes(frame.word(at, WHAT)?[..*length].to_vec()),
            Self::Bytes => Value::Bytes(frame.follow(at, WHAT)?.bytes(WHAT)?.content().to_vec()),
            Self::Text => {
                let bytes = frame.follow(at, WHAT)?.bytes(WHAT)?;
                Value::Text(String::from_utf8_lossy(bytes.content()).into_owned())
            }
            Self::List(kind) => {
                let (count, elements) = frame.follow(at, WHAT)?.array(WHAT)?;
                let read =
                    (0..count.min(MOST_ELEMENTS)).map(|index| kind.read(elements, 32 * index));
                Value::List(read.collect::<Result<_, _>>()?, count)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_parses_and_none_hides_another() {
        assert_eq!(TABLE.len(), SIGNATURES.len());
    }

    #[test]
    fn selectors_are_the_well_known_ones() {
        for (selector, name) in [
            ([0x70, 0xa0, 0x82, 0x31], "balanceOf"),
            ([0x4b, 0x34, 0x1a, 0xed], "totalStakedFor"),
            ([0xb0, 0x30, 0x3b, 0x75], "getTotalDelegatorStake"),
            ([0xfe, 0xd3, 0xd1, 0xfd], "getDelegatorsList"),
            ([0xa9, 0x05, 0x9c, 0xbb], "transfer"),
            ([0x42, 0xcb, 0xb1, 0x5c], "getBlockNumber"),
            ([0xe1, 0x6c, 0x7d, 0x98], "getContract"),
        ] {
            assert_eq!(find(selector).unwrap().name, name);
        }
    }

    #[test]
    fn numbers_have_the_width_of_their_type() {
        let word = |byte: u8| [[byte; 31].as_slice(), &[0xf0]].concat();
        let read = |kind: Kind, bytes: &[u8]| kind.read(Frame::whole(bytes), 0);
        assert!(read(Kind::Uint(8), &word(0)).is_ok());
        assert!(read(Kind::Uint(8), &word(1)).is_err());
        assert_eq!(read(Kind::Int(8), &word(0xff)), Ok(Value::Int(I256::try_from(-16).unwrap())));
        assert!(read(Kind::Int(8), &word(0)).is_err());
        assert!(read(Kind::Int(256), &word(0x7f)).is_ok());
    }

    #[test]
    fn a_list_inside_is_counted_and_cut() {
        let mut bytes = U256::from(32).to_be_bytes_vec();
        bytes.extend(U256::from(2_000).to_be_bytes_vec());
        bytes.extend(vec![0; 32 * 2_000]);
        let kind = Kind::List(Box::new(Kind::Address));
        let Ok(Value::List(read, count)) = kind.read(Frame::whole(&bytes), 0) else { panic!() };
        assert_eq!((read.len(), count), (1_000, 2_000));
    }
}
