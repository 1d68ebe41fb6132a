//! The elements of the messages that matter, and where each may stand.
//!
//! Names differ little between the messages and their versions: where one was renamed, both names
//! lead to the same node. What is not named here is skipped with all that it holds.

use crate::import::bytes::find_byte;

/// Which of the three messages it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// camt.052, the report of an account so far.
    Report,
    /// camt.053, the statement.
    Statement,
    /// camt.054, the notification of single entries.
    Notification,
}

impl Message {
    /// The name of the element that holds one account's part.
    pub(super) const fn part(self) -> &'static str {
        match self {
            Self::Report => "Rpt",
            Self::Statement => "Stmt",
            Self::Notification => "Ntfctn",
        }
    }
}

/// A party of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Debtor,
    Creditor,
}

/// What an element is, by its name and by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// What stands around the message: `Document`, and envelopes of all kinds.
    Outside,
    /// Nothing that is read.
    Skipped,
    Message(Message),
    GroupHeader,
    Statement,
    Account,
    AccountId,
    AccountOtherId,
    Servicer,
    Institution,
    ClearingMember,
    Balance,
    BalanceType,
    BalanceDay,
    Entry,
    Details,
    Detail,
    References,
    AmountDetails,
    TransactionAmount,
    Parties,
    Party(Side),
    PartyAgent(Side),
    PartyInstitution(Side),
    UltimateParty(Side),
    PartyAccount(Side),
    PartyAccountId(Side),
    PartyAccountOtherId(Side),
    Remittance,
    Structured,
    CreditorReference,
    ReferredDocument,
    /// An element whose text is read.
    Leaf(Leaf),
}

/// An element whose text is read. Some of them hold elements instead in other versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    HeaderCreated,
    Created,
    AccountNumber,
    AccountCurrency,
    Bic,
    ClearingMember,
    BalanceCode,
    BalanceAmount,
    BalanceSign,
    BalanceDate,
    EntryReference,
    Amount,
    Sign,
    Reversal,
    Status,
    BookingDate,
    ValueDate,
    ServicerReference,
    EntryText,
    DetailServicerReference,
    EndToEndId,
    ChequeNumber,
    InstructionId,
    TransactionId,
    Uetr,
    DetailAmount,
    DetailSign,
    TransactionAmount,
    Name(Side),
    UltimateName(Side),
    PartyAccountNumber(Side),
    /// A part of the remittance information.
    Remittance,
    DetailText,
}

impl Node {
    /// The node of an element with this name, prefix or not, inside this one.
    #[inline]
    pub(super) fn child(self, name: &[u8]) -> Self {
        if self == Self::Skipped {
            return self;
        }
        let node = self.named(name);
        if !matches!(node, Self::Skipped | Self::Outside) {
            return node;
        }
        match find_byte(name, 0, b':') {
            None => node,
            Some(colon) => self.named(name.get(colon.saturating_add(1)..).unwrap_or_default()),
        }
    }

    /// The node of an element with this local name inside this one.
    fn named(self, name: &[u8]) -> Self {
        use self::Leaf as L;
        match self {
            Self::Outside => Self::message(name),
            Self::Message(message) => match name {
                b"GrpHdr" => Self::GroupHeader,
                _ if name == message.part().as_bytes() => Self::Statement,
                _ => Self::Skipped,
            },
            Self::GroupHeader => leaf(name == b"CreDtTm", L::HeaderCreated),
            Self::Statement => match name {
                b"Ntry" => Self::Entry,
                b"Bal" => Self::Balance,
                b"Acct" => Self::Account,
                b"CreDtTm" => Self::Leaf(L::Created),
                _ => Self::Skipped,
            },
            Self::Entry => Self::in_entry(name),
            Self::Detail
            | Self::References
            | Self::AmountDetails
            | Self::TransactionAmount
            | Self::Details => self.in_details(name),
            Self::Parties
            | Self::Party(_)
            | Self::PartyAgent(_)
            | Self::PartyInstitution(_)
            | Self::UltimateParty(_)
            | Self::PartyAccount(_)
            | Self::PartyAccountId(_)
            | Self::PartyAccountOtherId(_) => self.in_parties(name),
            Self::Remittance
            | Self::Structured
            | Self::CreditorReference
            | Self::ReferredDocument => self.in_remittance(name),
            Self::Leaf(L::Status) if matches!(name, b"Cd" | b"Prtry") => self,
            Self::Leaf(L::BookingDate | L::ValueDate) if matches!(name, b"Dt" | b"DtTm") => self,
            Self::Skipped | Self::Leaf(_) => Self::Skipped,
            _ => self.in_head(name),
        }
    }

    /// Messages carry a version in their names only in the first one: `BkToCstmrStmtV01`.
    fn message(name: &[u8]) -> Self {
        match name.strip_suffix(b"V01").unwrap_or(name) {
            b"BkToCstmrAcctRpt" => Self::Message(Message::Report),
            b"BkToCstmrStmt" => Self::Message(Message::Statement),
            b"BkToCstmrDbtCdtNtfctn" => Self::Message(Message::Notification),
            _ => Self::Outside,
        }
    }

    /// Inside a statement, before its entries.
    fn in_head(self, name: &[u8]) -> Self {
        use self::Leaf as L;
        match (self, name) {
            (Self::Account, b"Id") => Self::AccountId,
            (Self::Account, b"Ccy") => Self::Leaf(L::AccountCurrency),
            (Self::Account, b"Svcr") => Self::Servicer,
            (Self::AccountId, b"IBAN" | b"BBAN" | b"UPIC") => Self::Leaf(L::AccountNumber),
            (Self::AccountId, b"Othr" | b"PrtryAcct") => Self::AccountOtherId,
            (Self::AccountOtherId, b"Id") => Self::Leaf(L::AccountNumber),
            (Self::Servicer, b"FinInstnId") => Self::Institution,
            (Self::Institution, b"BIC" | b"BICFI") => Self::Leaf(L::Bic),
            (Self::Institution, b"ClrSysMmbId") => Self::ClearingMember,
            (Self::ClearingMember, b"MmbId") => Self::Leaf(L::ClearingMember),
            (Self::Balance, b"Tp") => Self::BalanceType,
            (Self::Balance, b"Amt") => Self::Leaf(L::BalanceAmount),
            (Self::Balance, b"CdtDbtInd") => Self::Leaf(L::BalanceSign),
            (Self::Balance, b"Dt") => Self::BalanceDay,
            (Self::BalanceType, b"CdOrPrtry") => Self::BalanceType,
            (Self::BalanceType, b"Cd") => Self::Leaf(L::BalanceCode),
            (Self::BalanceDay, b"Dt" | b"DtTm") => Self::Leaf(L::BalanceDate),
            _ => Self::Skipped,
        }
    }

    fn in_entry(name: &[u8]) -> Self {
        use self::Leaf as L;
        match name {
            b"Amt" => Self::Leaf(L::Amount),
            b"CdtDbtInd" => Self::Leaf(L::Sign),
            b"Sts" => Self::Leaf(L::Status),
            b"BookgDt" => Self::Leaf(L::BookingDate),
            b"ValDt" => Self::Leaf(L::ValueDate),
            b"AcctSvcrRef" => Self::Leaf(L::ServicerReference),
            b"NtryDtls" => Self::Details,
            b"TxDtls" => Self::Detail,
            b"AddtlNtryInf" => Self::Leaf(L::EntryText),
            b"NtryRef" => Self::Leaf(L::EntryReference),
            b"RvslInd" => Self::Leaf(L::Reversal),
            _ => Self::Skipped,
        }
    }

    fn in_details(self, name: &[u8]) -> Self {
        use self::Leaf as L;
        match (self, name) {
            (Self::Details, b"TxDtls") => Self::Detail,
            (Self::Detail, b"Refs") => Self::References,
            (Self::Detail, b"RltdPties") => Self::Parties,
            (Self::Detail, b"RmtInf") => Self::Remittance,
            (Self::Detail, b"Amt") => Self::Leaf(L::DetailAmount),
            (Self::Detail, b"CdtDbtInd") => Self::Leaf(L::DetailSign),
            (Self::Detail, b"AmtDtls") => Self::AmountDetails,
            (Self::Detail, b"AddtlTxInf") => Self::Leaf(L::DetailText),
            (Self::References, b"EndToEndId") => Self::Leaf(L::EndToEndId),
            (Self::References, b"AcctSvcrRef") => Self::Leaf(L::DetailServicerReference),
            (Self::References, b"ChqNb") => Self::Leaf(L::ChequeNumber),
            (Self::References, b"InstrId") => Self::Leaf(L::InstructionId),
            (Self::References, b"TxId") => Self::Leaf(L::TransactionId),
            (Self::References, b"UETR") => Self::Leaf(L::Uetr),
            (Self::AmountDetails, b"TxAmt") => Self::TransactionAmount,
            (Self::TransactionAmount, b"Amt") => Self::Leaf(L::TransactionAmount),
            _ => Self::Skipped,
        }
    }

    /// A party's name stands in `Nm`, since version 8 in `Pty/Nm` or, if it is a bank, in
    /// `Agt/FinInstnId/Nm`.
    fn in_parties(self, name: &[u8]) -> Self {
        use self::Leaf as L;
        use self::Side::{Creditor, Debtor};
        match (self, name) {
            (Self::Parties, b"Dbtr") => Self::Party(Debtor),
            (Self::Parties, b"Cdtr") => Self::Party(Creditor),
            (Self::Parties, b"DbtrAcct") => Self::PartyAccount(Debtor),
            (Self::Parties, b"CdtrAcct") => Self::PartyAccount(Creditor),
            (Self::Parties, b"UltmtDbtr") => Self::UltimateParty(Debtor),
            (Self::Parties, b"UltmtCdtr") => Self::UltimateParty(Creditor),
            (Self::Party(side) | Self::PartyInstitution(side), b"Nm") => Self::Leaf(L::Name(side)),
            (Self::Party(_) | Self::UltimateParty(_), b"Pty") => self,
            (Self::Party(side), b"Agt") => Self::PartyAgent(side),
            (Self::PartyAgent(side), b"FinInstnId") => Self::PartyInstitution(side),
            (Self::UltimateParty(side), b"Nm") => Self::Leaf(L::UltimateName(side)),
            (Self::PartyAccount(side), b"Id") => Self::PartyAccountId(side),
            (Self::PartyAccountId(side), b"IBAN" | b"BBAN" | b"UPIC") => {
                Self::Leaf(L::PartyAccountNumber(side))
            }
            (Self::PartyAccountId(side), b"Othr" | b"PrtryAcct") => Self::PartyAccountOtherId(side),
            (Self::PartyAccountOtherId(side), b"Id") => Self::Leaf(L::PartyAccountNumber(side)),
            _ => Self::Skipped,
        }
    }

    fn in_remittance(self, name: &[u8]) -> Self {
        let is_text = matches!(
            (self, name),
            (Self::Remittance, b"Ustrd")
                | (Self::Structured, b"AddtlRmtInf" | b"RfrdDocNb")
                | (Self::CreditorReference, b"Ref" | b"CdtrRef")
                | (Self::ReferredDocument, b"Nb")
        );
        match (self, name) {
            _ if is_text => Self::Leaf(Leaf::Remittance),
            (Self::Remittance, b"Strd") => Self::Structured,
            (Self::Structured, b"CdtrRefInf") => Self::CreditorReference,
            (Self::Structured, b"RfrdDocInf") => Self::ReferredDocument,
            _ => Self::Skipped,
        }
    }
}

fn leaf(is_it: bool, leaf: Leaf) -> Node {
    if is_it { Node::Leaf(leaf) } else { Node::Skipped }
}

impl Leaf {
    /// The element's name, for messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::HeaderCreated | Self::Created => "CreDtTm",
            Self::AccountNumber | Self::PartyAccountNumber(_) => "Id",
            Self::AccountCurrency => "Ccy",
            Self::Bic => "BIC",
            Self::ClearingMember => "MmbId",
            Self::BalanceCode => "Cd",
            Self::BalanceAmount | Self::Amount | Self::DetailAmount | Self::TransactionAmount => {
                "Amt"
            }
            Self::BalanceSign | Self::Sign | Self::DetailSign => "CdtDbtInd",
            Self::BalanceDate => "Dt",
            Self::EntryReference => "NtryRef",
            Self::Reversal => "RvslInd",
            Self::Status => "Sts",
            Self::BookingDate => "BookgDt",
            Self::ValueDate => "ValDt",
            Self::ServicerReference | Self::DetailServicerReference => "AcctSvcrRef",
            Self::EntryText => "AddtlNtryInf",
            Self::EndToEndId => "EndToEndId",
            Self::ChequeNumber => "ChqNb",
            Self::InstructionId => "InstrId",
            Self::TransactionId => "TxId",
            Self::Uetr => "UETR",
            Self::Name(_) | Self::UltimateName(_) => "Nm",
            Self::Remittance => "RmtInf",
            Self::DetailText => "AddtlTxInf",
        }
    }
}
