//! `audius-etl decode-multicall`: say what a batch of calls does.

use std::io::Read;
use std::path::{Path, PathBuf};

use alloy::hex;
use alloy::primitives::{Address, B256};
use clap::Args;

use super::context::Context;
use crate::eth::calldata::{self, Decoded, Signatures};
use crate::eth::{self, EthConfig, Provider};
use crate::failure::{Failure, FailureKind};
use crate::terminal::multicall::render;

/// No transaction and hardly a call is as large; what is larger is refused before it is read.
const MOST_BYTES: u64 = 4 << 20;

/// Say which calls a batch makes, and what they returned
///
/// Reads calldata of Multicall3 and its predecessors: aggregate, tryAggregate, blockAndAggregate,
/// tryBlockAndAggregate, aggregate3 and aggregate3Value, also inside one another; a call of anything
/// else is shown like a batch of one. Well-known functions, and those of --sig and --abi, are shown by
/// name with their arguments, amounts of AUDIO as such; of others the words.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct DecodeMulticallArgs {
    /// Calldata: hexadecimal, a file with it (as text or as bytes), or - for standard input
    #[arg(value_name = "CALLDATA", required_unless_present = "tx", conflicts_with = "tx")]
    pub calldata: Option<String>,

    /// What the batch returned: hexadecimal, or a file with it
    #[arg(long, value_name = "DATA")]
    pub returned: Option<String>,

    /// Read the calldata of this transaction
    #[arg(long, value_name = "HASH", requires = "eth_http")]
    pub tx: Option<B256>,

    /// With --tx: call once more in the state before its block, and show what that returns
    ///
    /// No node keeps what a transaction returned. Transactions that come before it in its own block
    /// are not in that state. States that are not recent are known to archive nodes only.
    #[arg(long, requires = "tx", conflicts_with = "returned")]
    pub replay: bool,

    /// Ethereum node for --tx; repeat the option to name nodes that take over
    #[arg(long, value_name = "URL", hide_default_value = true)]
    pub eth_http: Vec<String>,

    /// A function to know, as `name(address to, uint256 amount)(bool)`; may be repeated
    ///
    /// Names of arguments and results may be left out. With `error ` in front it is an error of a
    /// contract: `error Closed(uint256 since)`.
    #[arg(long, value_name = "SIGNATURE")]
    pub sig: Vec<String>,

    /// Functions and errors to know: the ABI of a contract as JSON; may be repeated
    #[arg(long, value_name = "FILE")]
    pub abi: Vec<PathBuf>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  What a transaction called, and what that returns:
    audius-etl decode-multicall --tx 0x… --replay --eth-http https://eth.example.org
  A call of a contract of your own:
    audius-etl decode-multicall 0x2e1a7d4d… --sig 'withdraw(uint256 amount)'
  Calldata and what it returned, from files, for a program:
    audius-etl decode-multicall call.hex --returned result.hex --json | jq '.calls[0]'";

pub(crate) async fn run(args: DecodeMulticallArgs, context: &Context) -> Result<(), Failure> {
    let known = signatures(&args, context)?;
    let Found { input, to, returned } = match (&args.calldata, args.tx) {
        (Some(given), _) => Found { input: bytes_of(given, "calldata")?, to: None, returned: None },
        (None, Some(hash)) => of_transaction(hash, &args, context).await?,
        (None, None) => return Err(Failure::usage("no calldata given")),
    };
    let mut decoded =
        calldata::read(&input, to, &known).map_err(|error| unreadable("calldata", &error))?;
    let given = args.returned.as_deref().map(|given| bytes_of(given, "returned data"));
    let returned = given.transpose()?.or(returned);
    if returned.as_ref().is_some_and(Vec::is_empty) {
        context.printer.note(
            "nothing was returned: there is no contract at the address, or it took another call",
        );
    }
    if let Some(returned) = returned.filter(|returned| !returned.is_empty()) {
        match &mut decoded {
            Decoded::Batch(batch) => batch
                .add_returned(&returned, &known)
                .map_err(|error| unreadable("return data", &error))?,
            Decoded::Single(call) => call.add_returned(&returned, &known),
        }
    }
    context.printer.data(&match (&decoded, args.json) {
        (decoded, false) => render(decoded, &input),
        (Decoded::Batch(batch), true) => format!("{:#}", calldata::to_json(batch, &input)),
        (Decoded::Single(call), true) => format!("{:#}", calldata::single_to_json(call, &input)),
    })
}

/// The functions that the user named, beside those that are known.
fn signatures(args: &DecodeMulticallArgs, context: &Context) -> Result<Signatures, Failure> {
    let mut known = Signatures::default();
    for text in &args.sig {
        known.add(text).map_err(|problem| Failure::usage(format!("--sig: {problem}")))?;
    }
    for path in &args.abi {
        let unusable = |problem: String| {
            Failure::usage(format!("--abi {}: {problem}", path.display()))
                .hint("an ABI is a JSON array of functions, as compilers write it")
        };
        let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        let abi = serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
        let (_, left_out) = known.add_abi(&abi).map_err(unusable)?;
        if left_out > 0 {
            context.printer.note(&format!(
                "{}: {left_out} functions have tuples or arrays of a fixed length, which are not read",
                path.display()
            ));
        }
    }
    Ok(known)
}

/// Calldata, and what is known of it.
struct Found {
    input: Vec<u8>,
    to: Option<Address>,
    returned: Option<Vec<u8>>,
}

fn unreadable(what: &str, error: &calldata::Error) -> Failure {
    Failure::new(FailureKind::Data, format!("the {what} cannot be read: {error}"))
}

/// The calldata of a transaction, where it went and, if wanted, what the call returns.
async fn of_transaction(
    hash: B256,
    args: &DecodeMulticallArgs,
    context: &Context,
) -> Result<Found, Failure> {
    let mut config = EthConfig::new(args.eth_http.iter().cloned());
    // Any chain will do, whatever contracts it has.
    config.check_contracts = false;
    let ask = async {
        let provider = Provider::connect(config).await?;
        let Some(found) = provider.transaction(hash).await? else { return Ok(None) };
        let returned = match args.replay {
            true => Some(provider.replay(&found).await?.to_vec()),
            false => None,
        };
        let (input, to) = (found.input.to_vec(), found.to);
        Ok::<_, eth::Error>(Some(Found { input, to, returned }))
    };
    let found = context.interrupt.wait("a node of Ethereum", ask).await?;
    let missing = || Failure::new(FailureKind::Data, format!("no node knows transaction {hash}"));
    found.ok_or_else(missing)
}

/// The bytes that an argument stands for.
fn bytes_of(given: &str, what: &str) -> Result<Vec<u8>, Failure> {
    if given == "-" {
        return read(std::io::stdin().lock(), "standard input");
    }
    if let Some(bytes) = from_hex(given.as_bytes()) {
        return Ok(bytes);
    }
    if given == "0x" {
        return Ok(Vec::new());
    }
    let path = Path::new(given);
    match std::fs::File::open(path) {
        Ok(file) => read(file, given),
        Err(_) if given.starts_with("0x") => {
            let wrong = given.char_indices().skip(2).find(|(_, c)| !c.is_ascii_hexdigit());
            let problem = match wrong {
                Some((at, c)) => {
                    format!("character {at} of the {what}, {c:?}, is no hexadecimal digit")
                }
                None => format!("the {what} has an odd number of hexadecimal digits"),
            };
            Err(Failure::usage(problem))
        }
        Err(error) => {
            let shown: String = given.chars().take(60).collect();
            Err(Failure::usage(format!("cannot open {shown}: {error}"))
                .hint("calldata is hexadecimal, a file, or - for standard input"))
        }
    }
}

fn read(input: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let fault = |error| Failure::usage(format!("cannot read {name}: {error}"));
    input.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::usage(format!("{name} is larger than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(from_hex(&bytes).unwrap_or(bytes))
}

/// Text of hexadecimal digits, with or without 0x, quotes and line ends; `None` for all else.
fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'"').collect();
    hex::decode(&digits).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_with_and_without_prefix_quotes_and_line_ends() {
        for text in ["0x0102", "0102", "\"0x0102\"\n", "0x01\n02\r\n"] {
            assert_eq!(from_hex(text.as_bytes()), Some(vec![1, 2]), "{text:?}");
        }
        for text in ["", "0x", "0x123", "call.hex", "\u{1}\u{2}"] {
            assert_eq!(from_hex(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_hexadecimal_and_no_file_is_explained() {
        let message = |given| bytes_of(given, "calldata").unwrap_err().to_string();
        assert_eq!(message("0x12g4"), "character 4 of the calldata, 'g', is no hexadecimal digit");
        assert_eq!(message("0x123"), "the calldata has an odd number of hexadecimal digits");
        assert!(message("nowhere.hex").starts_with("cannot open nowhere.hex"));
    }
}
