"""The keeper's reward: what whoever calls an FLI token's ripcord is paid for it.

The reward is min(reward, balance) and no part of the fund: it is the issuer's money, as the ether in FLI's strategy
contract is its deployer's (FlexibleLeverageStrategyExtension, IndexCoop/index-coop-smart-contracts@c852c02,
docs/products.md#index-coop-fli). So no column of the attribution has it. Keepers are not simulated, so `outside` gets
it; in the ledger it is a trading fee, since it is paid for the execution of a trade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketsim.issuers.context import EventLog, LedgerAccounts

if TYPE_CHECKING:
    from marketsim.venues.gateway import Gateway


@dataclass(slots=True)
class KeeperPayments:
    """Pays the keepers of one token. reward_atoms: for a call; balance_atoms: what is left for it, None: enough."""

    gateway: Gateway
    accounts: LedgerAccounts
    log: EventLog
    reward_atoms: int = 0
    balance_atoms: int | None = None

    def pay(self) -> None:
        """Reward whoever has just called the ripcord, as far as there is something left."""
        if not self.reward_atoms:
            return
        atoms = self.reward_atoms
        if self.balance_atoms is not None:
            atoms = min(atoms, self.balance_atoms)
            self.balance_atoms -= atoms
        self.gateway.transfer(self.accounts.issuer, self.accounts.outside, atoms, "trading_fee")
        self.log.write("ripcord", {"reward_atoms": atoms, "left_atoms": self.balance_atoms})
