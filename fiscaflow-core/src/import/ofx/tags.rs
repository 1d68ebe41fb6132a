//! The tags of the format that are read, and how aggregates nest.
//!
//! A tag is recognised by its name packed into an integer, so that one comparison decides. Files
//! without end tags are read by *rank*: an aggregate ends where one of its own rank or of a lower
//! one begins, just as a statement ends where the next one does.

/// The longest name that can be packed.
const MAX_PACKED: usize = 16;

/// A name in capitals, packed with its first letter in the lowest byte.
const fn pack(name: &str) -> u128 {
    let mut bytes = name.as_bytes();
    let mut key = 0;
    while let [rest @ .., last] = bytes {
        key = (key << 8) | *last as u128;
        bytes = rest;
    }
    key
}

/// Packs the name that is the first `length` bytes, in letters of either case; zero where it is too
/// long.
pub(super) fn key(bytes: &[u8], length: usize) -> u128 {
    // The bit in which the two cases of a letter differ; letters have the bit above it as well.
    const CASE: u128 = u128::from_le_bytes([0x20; MAX_PACKED]);
    let unused = MAX_PACKED.checked_sub(length).and_then(|bytes| u32::try_from(bytes * 8).ok());
    let Some(in_name) = unused.and_then(|bits| u128::MAX.checked_shr(bits)) else { return 0 };
    let head = bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut head = [0; MAX_PACKED];
        head.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        head
    });
    let key = u128::from_le_bytes(head) & in_name;
    key ^ (key & (key >> 1) & CASE)
}

macro_rules! tags {
    ($($variant:ident = $name:literal,)*) => {
        /// A tag that is read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Tag {
            $($variant,)*
            /// Any message set, such as `BANKMSGSRSV1`.
            MessageSet,
            /// The answer to a request that is not about a statement, such as `PROFTRNRS`.
            OtherTrnRs,
        }

        impl Tag {
            /// The tag of that packed name.
            #[allow(non_upper_case_globals, reason = "the constants are named after the variants")]
            pub(super) fn of_key(key: u128) -> Option<Self> {
                $(const $variant: u128 = pack($name);)*
                match key {
                    $($variant => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name as the specification writes it.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::MessageSet => "MSGSRSV1",
                    Self::OtherTrnRs => "TRNRS",
                }
            }
        }
    };
}

tags! {
    Ofx = "OFX",
    SonRs = "SONRS",
    StmtTrnRs = "STMTTRNRS",
    CcStmtTrnRs = "CCSTMTTRNRS",
    InvStmtTrnRs = "INVSTMTTRNRS",
    Status = "STATUS",
    StmtRs = "STMTRS",
    CcStmtRs = "CCSTMTRS",
    InvStmtRs = "INVSTMTRS",
    BankAcctFrom = "BANKACCTFROM",
    CcAcctFrom = "CCACCTFROM",
    InvAcctFrom = "INVACCTFROM",
    BankTranList = "BANKTRANLIST",
    BankTranListP = "BANKTRANLISTP",
    InvTranList = "INVTRANLIST",
    LedgerBal = "LEDGERBAL",
    AvailBal = "AVAILBAL",
    BalList = "BALLIST",
    RewardInfo = "REWARDINFO",
    InvPosList = "INVPOSLIST",
    InvBal = "INVBAL",
    InvOoList = "INVOOLIST",
    Inv401k = "INV401K",
    Inv401kBal = "INV401KBAL",
    InvBankTran = "INVBANKTRAN",
    BuyDebt = "BUYDEBT",
    BuyMf = "BUYMF",
    BuyOpt = "BUYOPT",
    BuyOther = "BUYOTHER",
    BuyStock = "BUYSTOCK",
    ClosureOpt = "CLOSUREOPT",
    Income = "INCOME",
    InvExpense = "INVEXPENSE",
    JrnlFund = "JRNLFUND",
    JrnlSec = "JRNLSEC",
    MarginInterest = "MARGININTEREST",
    Reinvest = "REINVEST",
    RetOfCap = "RETOFCAP",
    SellDebt = "SELLDEBT",
    SellMf = "SELLMF",
    SellOpt = "SELLOPT",
    SellOther = "SELLOTHER",
    SellStock = "SELLSTOCK",
    Split = "SPLIT",
    Transfer = "TRANSFER",
    StmtTrn = "STMTTRN",
    StmtTrnP = "STMTTRNP",
    Payee = "PAYEE",
    Currency = "CURRENCY",
    OrigCurrency = "ORIGCURRENCY",
    BankAcctTo = "BANKACCTTO",
    CcAcctTo = "CCACCTTO",
    Code = "CODE",
    Severity = "SEVERITY",
    CurDef = "CURDEF",
    BankId = "BANKID",
    AcctId = "ACCTID",
    BalAmt = "BALAMT",
    DtPosted = "DTPOSTED",
    DtTran = "DTTRAN",
    DtAvail = "DTAVAIL",
    TrnAmt = "TRNAMT",
    FitId = "FITID",
    CorrectFitId = "CORRECTFITID",
    CorrectAction = "CORRECTACTION",
    CheckNum = "CHECKNUM",
    RefNum = "REFNUM",
    Name = "NAME",
    ExtdName = "EXTDNAME",
    Memo = "MEMO",
    CurSym = "CURSYM",
}

/// What a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It holds other tags and has this rank.
    Aggregate(u8),
    /// It holds a value.
    Leaf,
}

/// The rank of lists, accounts and balances in a statement; what has a lower one ends it.
pub(super) const PART: u8 = 4;
/// The rank of an investment transaction and of the wrapper of a cash entry among them.
const INVESTMENT: u8 = 5;
/// The rank of a cash entry.
const ENTRY: u8 = 6;
/// The rank of what stands inside a cash entry.
pub(super) const INSIDE_ENTRY: u8 = 7;

impl Tag {
    /// The tag of that packed name in capitals; zero stands for a name too long to pack.
    pub(super) fn of(key: u128, name: &str) -> Option<Self> {
        if let Some(tag) = Self::of_key(key) {
            return Some(tag);
        }
        if ends_with(name, "MSGSRSV1") || ends_with(name, "MSGSRSV2") {
            return Some(Self::MessageSet);
        }
        ends_with(name, "TRNRS").then_some(Self::OtherTrnRs)
    }

    /// Whether the tag holds others, and where it stands among them.
    pub(super) const fn role(self) -> Role {
        match self {
            Self::Ofx => Role::Aggregate(0),
            Self::MessageSet => Role::Aggregate(1),
            Self::SonRs
            | Self::StmtTrnRs
            | Self::CcStmtTrnRs
            | Self::InvStmtTrnRs
            | Self::OtherTrnRs => Role::Aggregate(2),
            Self::Status | Self::StmtRs | Self::CcStmtRs | Self::InvStmtRs => Role::Aggregate(3),
            Self::BankAcctFrom
            | Self::CcAcctFrom
            | Self::InvAcctFrom
            | Self::BankTranList
            | Self::BankTranListP
            | Self::InvTranList
            | Self::LedgerBal
            | Self::AvailBal
            | Self::BalList
            | Self::RewardInfo
            | Self::InvPosList
            | Self::InvBal
            | Self::InvOoList
            | Self::Inv401k
            | Self::Inv401kBal => Role::Aggregate(PART),
            Self::InvBankTran => Role::Aggregate(INVESTMENT),
            Self::StmtTrn | Self::StmtTrnP => Role::Aggregate(ENTRY),
            Self::Payee
            | Self::Currency
            | Self::OrigCurrency
            | Self::BankAcctTo
            | Self::CcAcctTo => Role::Aggregate(INSIDE_ENTRY),
            investment if investment.is_investment() => Role::Aggregate(INVESTMENT),
            _ => Role::Leaf,
        }
    }

    /// Whether a file, or a part cut out of one, may begin with it. The names of the other tags are
    /// common words, which other formats use too.
    pub(super) const fn begins_file(self) -> bool {
        self.is_statement()
            || self.is_entry()
            || self.answers_for_statements()
            || matches!(self, Self::Ofx | Self::MessageSet | Self::BankTranList | Self::InvTranList)
    }

    /// Whether it is a statement of an account.
    pub(super) const fn is_statement(self) -> bool {
        matches!(self, Self::StmtRs | Self::CcStmtRs | Self::InvStmtRs)
    }

    /// Whether it is a cash entry of a statement.
    pub(super) const fn is_entry(self) -> bool {
        matches!(self, Self::StmtTrn | Self::StmtTrnP)
    }

    /// Whether it names the account of a statement.
    pub(super) const fn is_account(self) -> bool {
        matches!(self, Self::BankAcctFrom | Self::CcAcctFrom | Self::InvAcctFrom)
    }

    /// Whether it is one of the investment transactions of the specification's section 13.
    pub(super) const fn is_investment(self) -> bool {
        matches!(
            self,
            Self::BuyDebt
                | Self::BuyMf
                | Self::BuyOpt
                | Self::BuyOther
                | Self::BuyStock
                | Self::ClosureOpt
                | Self::Income
                | Self::InvExpense
                | Self::JrnlFund
                | Self::JrnlSec
                | Self::MarginInterest
                | Self::Reinvest
                | Self::RetOfCap
                | Self::SellDebt
                | Self::SellMf
                | Self::SellOpt
                | Self::SellOther
                | Self::SellStock
                | Self::Split
                | Self::Transfer
        )
    }

    /// Whether its refusal by the bank means that statements are missing.
    pub(super) const fn answers_for_statements(self) -> bool {
        matches!(self, Self::SonRs | Self::StmtTrnRs | Self::CcStmtTrnRs | Self::InvStmtTrnRs)
    }
}

fn ends_with(name: &str, suffix: &str) -> bool {
    let start = name.len().saturating_sub(suffix.len());
    name.as_bytes().get(start..).is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_packed_form() {
        // Holds: a tag's own name leads to it, and names that only resemble it do not.
        for tag in [Tag::Ofx, Tag::StmtTrn, Tag::MarginInterest, Tag::CorrectAction] {
            assert_eq!(Tag::of(pack(tag.name()), tag.name()), Some(tag));
        }
        assert_eq!(Tag::of(key(b"StmtTrn>x", 7), "StmtTrn"), Some(Tag::StmtTrn));
        assert_eq!(Tag::of(key(b"MARGINinterest and more", 14), ""), Some(Tag::MarginInterest));
        for (bytes, length) in [(&b"N"[..], 1), (b"@NAME", 5), (b"", 0)] {
            assert_eq!(Tag::of_key(key(bytes, length)), None, "{bytes:?}");
        }
        assert_eq!(key(&[b'A'; 20], 17), 0);
        assert_eq!(Tag::of(pack("STMTTR"), "STMTTR"), None);
        assert_eq!(Tag::of(pack("INTU.BID"), "INTU.BID"), None);
        assert_eq!(Tag::of(0, "CREDITCARDMSGSRSV1"), Some(Tag::MessageSet));
        assert_eq!(Tag::of(0, "CreditCardMsgsRsV1"), Some(Tag::MessageSet));
        assert_eq!(Tag::of(pack("PROFTRNRS"), "PROFTRNRS"), Some(Tag::OtherTrnRs));
    }
}
