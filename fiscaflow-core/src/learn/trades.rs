//! Parts of words that tell a trade in many languages, so that what a bakery is in one language
//! is known to be what a bakery is in another.
//!
//! They are features like any other: what they speak for is learned.

use std::sync::LazyLock;

/// The fewest bytes and the most letters of a part.
const LEAST_BYTES: usize = 3;
const MOST_LETTERS: usize = 10;

/// The parts and the places of their trades in [`TRADES`], sorted.
static PARTS: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let mut parts: Vec<(&str, Vec<u8>)> = Vec::new();
    for (place, (_, words)) in TRADES.iter().enumerate() {
        let Ok(place) = u8::try_from(place) else { continue };
        for word in words.split_whitespace() {
            match parts.binary_search_by_key(&word, |(part, _)| *part) {
                Ok(at) => parts.iter_mut().skip(at).take(1).for_each(|(_, to)| to.push(place)),
                Err(at) => parts.insert(at, (word, vec![place])),
            }
        }
    }
    parts
});

/// Calls with every trade of which a part stands in a word, and whether the part is all of it.
pub(super) fn each(word: &[char], mut call: impl FnMut(u8, bool)) {
    let mut part = String::new();
    for from in 0..word.len() {
        part.clear();
        for (count, letter) in word.iter().skip(from).take(MOST_LETTERS).enumerate() {
            part.push(*letter);
            if part.len() < LEAST_BYTES {
                continue;
            }
            let found = PARTS.binary_search_by_key(&part.as_str(), |(part, _)| *part);
            let trades = found.ok().and_then(|at| PARTS.get(at));
            for trade in trades.into_iter().flat_map(|(_, trades)| trades) {
                call(*trade, count.saturating_add(1) == word.len());
            }
        }
    }
}

/// Trades, and parts of the words for them.
const TRADES: &[(&str, &str)] = &[
    (
        "bank",
        "atm banca banco bancorp bank banka bankas banko banque caisse caja capital cash \
         credit finans invest kredit loan mutuel raiff savings spark sparkasse trapez trust \
         volksb western банк بنك ธนาคาร 銀行 银行 은행",
    ),
    (
        "bar",
        "alcohol arms beer bier bodega bottle brew cellar cerve distill drink inn liquor pivo \
         pub spirits tavern vin vino wein wine вино пиво",
    ),
    (
        "beauty",
        "barber beaut beaute brow coiff cosm drogerie friseur hair kosmet lash nail parfum \
         peluqu perfum salon skin tan スキン 美容",
    ),
    (
        "books",
        "book buch kiosk kirja libr livre news office papel paper papier press presse \
         stationer tabac книг 書店 本",
    ),
    (
        "car",
        "auto bil bmw car ford garage honda kia lackier mazda moto motor nissan parts pneu \
         reifen renault tire toyota tyre vehicle volvo wash авто мото шин ぴっと",
    ),
    (
        "clothes",
        "baby boutique bride bukser chauss cloth denim dress fashion jeans kids lingerie moda \
         mode scarpe schuh shoe sko tailor textil wear zapat обув одежд ブティック 靴",
    ),
    (
        "coffee",
        "back bak boulang bread brot bäck cafe caffe café coffee donut dough gelat ice juice \
         kaffe kaffee konditor pan panad pastel patiss pekar tea torrefa кофе пекарн 咖啡 珈琲 茶",
    ),
    (
        "edu",
        "academy college driving ecole education escola institut kinder kumon language learn \
         school schule tutor university 塾 学",
    ),
    (
        "elec",
        "audio camera cell computer digital electr elek foto game gsm media mobil phone photo \
         tech tele telecom video wireless связ техн 手机 電",
    ),
    (
        "fun",
        "arcade bowling cine cinem cinema escape film kino movie museum play theat theatre \
         кино 劇 映画",
    ),
    (
        "fast",
        "bbq burger chicken chips dog doner döner fish fried grill hot kebab kitchen noodle \
         pizza poke pollo ramen sandwich snack sub subs sushi taco wings wrap пицц バーガー 弁当 炸",
    ),
    ("fit", "boxing club crossfit dance fit gym pilates sport train wellness yoga фитнес"),
    (
        "fuel",
        "benzin charge charging diesel electr energ esso fuel gas gasolin oil petro petrol \
         power shell station tank азс нефт 加油 石油",
    ),
    ("bet", "bet casino gambl loter lott lotto slot spiel tips wett"),
    (
        "general",
        "100 bazar department depot discount dollar duty euro gift mall market outlet pound \
         store toko variety warenhaus 百貨",
    ),
    (
        "grocery",
        "aliment bio butcher carn co-op convenienc coop epicerie express farm fish fleisch \
         food fresh frisch fruit frutt grocer hyper local market mart meat mercado metzg milk \
         mini organic shop spar super supermerc маркет продукт スーパー 生鮮 超市",
    ),
    (
        "health",
        "apothek apteka brill care clin dent doctor drug eye farm health hearing hospital hör \
         lab lunett medic optic ortho pharm physio salud santé vet vision аптек ドラッグ 薬 薬局",
    ),
    (
        "home",
        "bathroom bau bed blum bricol build carpet deco dekor ferret floor flor flower \
         furnitur garden gart hagebau hardware haus home hus kitchen küche lamp light matr \
         meuble mobel möbel paint stoff tile tool мебел строй 家",
    ),
    (
        "insure",
        "account advis allianz assur financ finance insur mutual segur seguros tax versicher",
    ),
    (
        "jewel",
        "bijou diamond gioiell gold jewel joyer juwel silver uhr watch золот ювелир ジュエ 珠宝",
    ),
    ("laundry", "clean copy dry laund lock pressing print reinig tailor wasch wash 洗"),
    ("pets", "animal aqua cat dog pet tier zoo зоо 宠"),
    ("post", "cargo courier deliver dhl express fedex locker mail parcel post pošta ups почт 郵便"),
    ("property", "estate homes immo inmob propert real realt storage ハウス 不動産"),
    (
        "rest",
        "asad bistro buffet cantina china curry diner grill house kitchen noodle restaur \
         ristor steak sushi tandoor thai trattor wok 屋 料理 火锅 食堂",
    ),
    (
        "sport",
        "bike cycl dive décath fahrrad fish golf hunt outdoor run ski sport surf velo спорт \
         スキー スポーツ",
    ),
    ("vape", "cbd cigar hemp smoke tabac tabak tobac vap"),
    ("toys", "baby child game hobby jou jugu kids kinder lego spiel toy детск おもちゃ"),
    (
        "transport",
        "bike bus car hire location mobility moving park parking rail rent ride share taxi \
         transit truck umzug van レンタ 駐車場",
    ),
    (
        "travel",
        "apart camping hostel hoteis hotel inn lodg motel reise resort suites tour tours \
         travel viaj voyage ホテル 旅 酒店",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts are folded, long enough to be found, and not too long.
    #[test]
    fn parts_can_be_found() {
        for (part, trades) in PARTS.iter() {
            assert!(part.len() >= LEAST_BYTES && part.chars().count() <= MOST_LETTERS, "{part}");
            assert_eq!(part.to_lowercase(), *part);
            assert!(trades.iter().all(|trade| usize::from(*trade) < TRADES.len()));
        }
        let mut found = Vec::new();
        let word: Vec<char> = "stadtbäckerei".chars().collect();
        each(&word, |trade, whole| found.push((TRADES[usize::from(trade)].0, whole)));
        assert!(found.contains(&("coffee", false)), "{found:?}");
    }
}
