//! Functions and errors that are known by their signature: a table, and how to read what it says.

use std::collections::HashMap;
use std::fmt;
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

/// Errors of contracts that are known: those of tokens by the standard (ERC-6093), and of the
/// libraries that most contracts are made of.
const ERRORS: &[&str] = &[
    "ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
    "ERC20InvalidSender(address sender)",
    "ERC20InvalidReceiver(address receiver)",
    "ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",
    "ERC20InvalidApprover(address approver)",
    "ERC20InvalidSpender(address spender)",
    "ERC721NonexistentToken(uint256 tokenId)",
    "ERC721IncorrectOwner(address sender, uint256 tokenId, address owner)",
    "ERC721InsufficientApproval(address operator, uint256 tokenId)",
    "ERC2612ExpiredSignature(uint256 deadline)",
    "ERC2612InvalidSigner(address signer, address owner)",
    "SafeERC20FailedOperation(address token)",
    "AddressInsufficientBalance(address account)",
    "AddressEmptyCode(address target)",
    "FailedInnerCall()",
    "FailedCall()",
    "InsufficientBalance(uint256 balance, uint256 needed)",
    "OwnableUnauthorizedAccount(address account)",
    "OwnableInvalidOwner(address owner)",
    "AccessControlUnauthorizedAccount(address account, bytes32 role)",
    "EnforcedPause()",
    "ExpectedPause()",
    "ReentrancyGuardReentrantCall()",
    "InvalidInitialization()",
    "NotInitializing()",
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

static TABLE: LazyLock<HashMap<[u8; 4], Known>> = LazyLock::new(|| {
    SIGNATURES.iter().map(|text| parse(text).expect("a test parses every line")).collect()
});

static ERROR_TABLE: LazyLock<HashMap<[u8; 4], Known>> = LazyLock::new(|| {
    ERRORS.iter().map(|text| parse(text).expect("a test parses every line")).collect()
});

/// The functions and errors that are known: those of the tables, and others that somebody named.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    functions: HashMap<[u8; 4], &'static Known>,
    errors: HashMap<[u8; 4], &'static Known>,
}

impl Signatures {
    /// Adds a function as people write it: `name(address to, uint256)(bool)`, names of arguments and
    /// results optional, or as Solidity has it (`function name(address to) returns (bool)`); with
    /// `error` in front an error.
    ///
    /// # Errors
    /// Text for people: what is wrong with it, or which type cannot be read.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        // It lives as long as the process, as the table does.
        let text: &'static str = Box::leak(text.trim().to_owned().into_boxed_str());
        let (names, text) = match text.strip_prefix("error ") {
            Some(error) => (&mut self.errors, error),
            None => (&mut self.functions, text),
        };
        let (selector, known) = parse(text)?;
        names.insert(selector, Box::leak(Box::new(known)));
        Ok(())
    }

    /// Adds functions and errors of a contract's ABI as compilers write it, an array or an object with one
    /// as `abi`. Returns how many were added, and how many have types that cannot be read.
    ///
    /// # Errors
    /// It is no ABI.
    pub fn add_abi(&mut self, abi: &serde_json::Value) -> Result<(usize, usize), String> {
        let entries = abi.as_array().or_else(|| abi["abi"].as_array());
        let entries = entries.ok_or_else(|| "no ABI: an array of functions".to_owned())?;
        let typed = |entry: &serde_json::Value, part: &str| {
            let types = entry[part].as_array().into_iter().flatten().map(|argument| {
                let text = |key: &str| argument[key].as_str().unwrap_or_default();
                format!("{} {}", text("type"), text("name")).trim().to_owned()
            });
            types.collect::<Vec<_>>().join(", ")
        };
        let (mut added, mut left_out) = (0, 0);
        for entry in entries {
            let kind = match entry["type"].as_str() {
                Some("function") => "",
                Some("error") => "error ",
                _ => continue,
            };
            let name = entry["name"].as_str().unwrap_or_default();
            let (inputs, outputs) = (typed(entry, "inputs"), typed(entry, "outputs"));
            match self.add(&format!("{kind}{name}({inputs})({outputs})")) {
                Ok(()) => added += 1,
                Err(_) => left_out += 1,
            }
        }
        Ok((added, left_out))
    }

    /// The function with this selector.
    pub(super) fn find(&self, selector: [u8; 4]) -> Option<&'static Known> {
        self.functions.get(&selector).copied().or_else(|| TABLE.get(&selector))
    }

    /// The error with this selector.
    pub(super) fn find_error(&self, selector: [u8; 4]) -> Option<&'static Known> {
        self.errors.get(&selector).copied().or_else(|| ERROR_TABLE.get(&selector))
    }
}

/// Selector and function of a signature.
fn parse(text: &'static str) -> Result<([u8; 4], Known), String> {
    let text = text.strip_prefix("function ").unwrap_or(text);
    let wrong = || format!("`{text}` is no signature, as in `transfer(address to, uint256)(bool)`");
    let (name, rest) = text.split_once('(').ok_or_else(wrong)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(wrong());
    }
    let (inputs, rest) = rest.split_once(')').ok_or_else(wrong)?;
    let outputs = match rest.split_once('(') {
        Some((_, outputs)) => outputs.split_once(')').ok_or_else(wrong)?.0,
        None => "",
    };
    let inputs = arguments(inputs)?;
    let types: Vec<String> = inputs.iter().map(|(_, kind)| kind.to_string()).collect();
    let hash = keccak256(format!("{name}({})", types.join(",")));
    let selector = [hash[0], hash[1], hash[2], hash[3]];
    let outputs = arguments(outputs)?.into_iter().map(|(_, kind)| kind).collect();
    Ok((selector, Known { name, inputs, outputs }))
}

/// Names (empty where there is none) and types of a list of arguments.
fn arguments(text: &'static str) -> Result<Vec<(&'static str, Kind)>, String> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let argument = |item: &'static str| {
        let mut words = item.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let name = words.next_back().unwrap_or_default();
        let kind = Kind::parse(kind);
        Ok((name, kind.ok_or_else(|| format!("the type in `{item}` cannot be read here"))?))
    };
    items.map(argument).collect()
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
    /// The type of this name; `None` for tuples, arrays of a fixed length, and what is none.
    fn parse(text: &str) -> Option<Self> {
        if let Some(element) = text.strip_suffix("[]") {
            // Lists of lists have offsets of their own.
            let element = Self::parse(element).filter(|kind| !kind.is_dynamic())?;
            return Some(Self::List(Box::new(element)));
        }
        let bits = |width: &str| match width {
            "" => Some(256),
            _ => width.parse().ok().filter(|bits| (8..=256).contains(bits) && bits % 8 == 0),
        };
        Some(match text {
            "address" => Self::Address,
            "bool" => Self::Bool,
            "bytes" => Self::Bytes,
            "string" => Self::Text,
            _ => match (text.strip_prefix("uint"), text.strip_prefix("int")) {
                (Some(width), _) => Self::Uint(bits(width)?),
                (_, Some(width)) => Self::Int(bits(width)?),
                _ => {
                    let length = text.strip_prefix("bytes")?.parse().ok()?;
                    Self::FixedBytes(Some(length).filter(|length| (1..=32).contains(length))?)
                }
            },
        })
    }

    const fn is_dynamic(&self) -> bool {
        matches!(self, Self::Bytes | Self::Text | Self::List(_))
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

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("address"),
            Self::Bool => f.write_str("bool"),
            Self::Bytes => f.write_str("bytes"),
            Self::Text => f.write_str("string"),
            Self::Uint(bits) => write!(f, "uint{bits}"),
            Self::Int(bits) => write!(f, "int{bits}"),
            Self::FixedBytes(length) => write!(f, "bytes{length}"),
            Self::List(kind) => write!(f, "{kind}[]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_taken_as_people_write_them() {
        let transfer = [0xa9, 0x05, 0x9c, 0xbb];
        for text in [
            "transfer(address,uint256)",
            "transfer(address to, uint amount)(bool)",
            "function transfer(address payable to, uint256 amount) external returns (bool)",
        ] {
            let mut own = Signatures::default();
            own.add(text).unwrap();
            assert!(own.functions.contains_key(&transfer), "{text}");
        }
        for wrong in
            ["", "transfer", "(address)", "f(tuple x)", "f(uint7)", "f(bytes33)", "f(x[3])"]
        {
            assert!(Signatures::default().add(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_functions_of_an_abi_are_added_and_those_with_other_types_counted() {
        let abi = serde_json::json!({"abi": [
            {"type": "event", "name": "E", "inputs": []},
            {"type": "function", "name": "f", "inputs": [{"type": "uint8", "name": "x"}]},
            {"type": "function", "name": "g", "inputs": [{"type": "tuple", "name": "x"}]},
        ]});
        assert_eq!(Signatures::default().add_abi(&abi), Ok((1, 1)));
        assert!(Signatures::default().add_abi(&serde_json::json!(3)).is_err());
    }

    #[test]
    fn every_signature_parses_and_none_hides_another() {
        assert_eq!(TABLE.len(), SIGNATURES.len());
        assert_eq!(ERROR_TABLE.len(), ERRORS.len());
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
            assert_eq!(Signatures::default().find(selector).unwrap().name, name);
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
