//! The parts of the contracts that are called or listened to.

use alloy::primitives::B256;
use alloy::sol;
use alloy::sol_types::SolEvent;

sol! {
    /// Multicall3, as far as balances need it.
    contract Multicall3 {
        /// One sub-call.
        #[derive(Debug)]
        struct Call3 {
            address target;
            bool allowFailure;
            bytes callData;
        }
        /// What a sub-call returned.
        #[derive(Debug)]
        struct Result {
            bool success;
            bytes returnData;
        }
        function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory returnData);
        function getBlockNumber() external view returns (uint256 blockNumber);
    }

    /// The AUDIO token.
    contract Token {
        event Transfer(address indexed from, address indexed to, uint256 value);
        function balanceOf(address account) external view returns (uint256);
    }

    /// Audius `Staking`. `totalStakedFor` of a service provider includes what others delegated.
    contract Staking {
        event Staked(address indexed user, uint256 amount, uint256 total);
        event Unstaked(address indexed user, uint256 amount, uint256 total);
        event Slashed(address indexed user, uint256 amount, uint256 total);
        function totalStakedFor(address account) external view returns (uint256);
    }

    /// Audius `DelegateManager`. All event arguments are indexed.
    contract DelegateManager {
        event IncreaseDelegatedStake(address indexed delegator, address indexed serviceProvider, uint256 indexed increaseAmount);
        event UndelegateStakeRequestEvaluated(address indexed delegator, address indexed serviceProvider, uint256 indexed amount);
        event RemoveDelegatorRequestEvaluated(address indexed serviceProvider, address indexed delegator, uint256 indexed unstakedAmount);
        event Claim(address indexed claimer, uint256 indexed rewards, uint256 indexed newTotal);
        event Slash(address indexed target, uint256 indexed amount, uint256 indexed newTotal);
        function getTotalDelegatorStake(address delegator) external view returns (uint256);
        function getDelegatorsList(address serviceProvider) external view returns (address[] memory);
    }

    /// The Audius registry of contract addresses.
    contract Registry {
        function getContract(bytes32 name) external view returns (address);
    }
}

/// First topics of all events that change somebody's balance.
pub const BALANCE_EVENTS: [B256; 9] = [
    Token::Transfer::SIGNATURE_HASH,
    Staking::Staked::SIGNATURE_HASH,
    Staking::Unstaked::SIGNATURE_HASH,
    Staking::Slashed::SIGNATURE_HASH,
    DelegateManager::IncreaseDelegatedStake::SIGNATURE_HASH,
    DelegateManager::UndelegateStakeRequestEvaluated::SIGNATURE_HASH,
    DelegateManager::RemoveDelegatorRequestEvaluated::SIGNATURE_HASH,
    DelegateManager::Claim::SIGNATURE_HASH,
    DelegateManager::Slash::SIGNATURE_HASH,
];

#[cfg(test)]
mod tests {
    use alloy::hex;
    use alloy::sol_types::SolCall;

    use super::*;

    #[test]
    fn selectors_are_those_of_the_deployed_contracts() {
        for (selector, wanted) in [
            (Multicall3::aggregate3Call::SELECTOR, "82ad56cb"),
            (Multicall3::getBlockNumberCall::SELECTOR, "42cbb15c"),
            (Token::balanceOfCall::SELECTOR, "70a08231"),
            (Staking::totalStakedForCall::SELECTOR, "4b341aed"),
            (DelegateManager::getTotalDelegatorStakeCall::SELECTOR, "b0303b75"),
            (DelegateManager::getDelegatorsListCall::SELECTOR, "fed3d1fd"),
            (Registry::getContractCall::SELECTOR, "e16c7d98"),
        ] {
            assert_eq!(hex::encode(selector), wanted);
        }
    }

    #[test]
    fn first_topics_are_those_of_the_deployed_contracts() {
        let wanted = [
            "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
            "1449c6dd7851abc30abf37f57715f492010519147cc2652fbc38202c18a6ee90",
            "7fc4727e062e336010f2c282598ef5f14facb3de68cf8195c2f23e1454b2b74e",
            "45a371af55b0726877a30f464edc14db5879ab096590bacce682cf6c18223596",
            "82d701855f3ac4a098fc0249261c5e06d1050d23c8aa351fae8abefc2a464fda",
            "df026d8db1c407002e7abde612fb40b6031db7aa35d4b3b699d07627f891e631",
            "912ca4f48e16ea4ec940ef9071c9cc3eb57f01c07e052b1f797caaade6504f8b",
            "34fcbac0073d7c3d388e51312faf357774904998eeb8fca628b9e6f65ee1cbf7",
            "e05ad941535eea602efe44ddd7d96e5db6ad9a4865c360257aad8cf4c0a94469",
        ];
        assert_eq!(BALANCE_EVENTS.map(hex::encode), wanted);
    }
}
