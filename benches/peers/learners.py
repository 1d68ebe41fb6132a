"""The peers that learn where payments belong: trained on rows of `payments.csv`, asked of others.

Each is three functions. The first puts rows into the form that the peer keeps them in, which is not
timed; the second is trained on them, the third says where others belong.
"""

import csv
import tempfile
from pathlib import Path

ACCOUNT = "Assets:Giro"


def rows(folder):
    with (folder / "payments.csv").open() as lines:
        return list(csv.DictReader(lines))


def texts_and_labels(rows):
    return [row["text"] for row in rows], [row["category"] for row in rows]


def scikit(vectorizer, classifier):
    from sklearn.pipeline import make_pipeline

    def fit(prepared):
        return make_pipeline(vectorizer(), classifier()).fit(*prepared)

    return texts_and_labels, fit, lambda model, prepared: model.predict(prepared[0])


def characters():
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)


def words():
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)


def svc():
    from sklearn.svm import LinearSVC

    return LinearSVC()


def sgd():
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(random_state=1)


def fasttext():
    from fasttext import train_supervised

    def prepare(rows):
        texts = [row["text"].lower() for row in rows]
        file = Path(tempfile.mkdtemp()) / "payments.txt"
        labels = [f"__label__{row['category']}" for row in rows]
        lines = zip(labels, texts, strict=True)
        file.write_text("".join(f"{label} {text}\n" for label, text in lines))
        return file, texts

    def fit(prepared):
        return train_supervised(str(prepared[0]), epoch=10, lr=0.5, minn=2, maxn=5, verbose=0)

    def predict(model, prepared):
        labels, _probabilities = model.predict(prepared[1])
        return [label[0].removeprefix("__label__") for label in labels]

    return prepare, fit, predict


def smart_importer():
    from datetime import date

    from beancount.core.amount import Amount
    from beancount.core.data import Open, Posting, Transaction
    from beancount.core.number import D
    from smart_importer import PredictPostings

    first = date(2016, 1, 1)

    def entry(place, row, categories):
        amount = Amount(D(row["amount"]), "EUR")
        postings = [Posting(ACCOUNT, amount, None, None, None, None)]
        if categories:
            postings.append(Posting(category(row), -amount, None, None, None, None))
        day = date.fromisoformat(row["date"])
        meta = {"filename": "payments", "lineno": place}
        return Transaction(meta, day, "*", None, row["text"], frozenset(), frozenset(), postings)

    def category(row):
        return f"Expenses:C{row['category']}"

    def prepare(rows):
        accounts = sorted({category(row) for row in rows} | {ACCOUNT})
        meta = {"filename": "payments", "lineno": 0}
        opened = [Open(meta, first, account, ["EUR"], None) for account in accounts]
        entries = [[entry(*it, known) for it in enumerate(rows)] for known in (True, False)]
        return opened, *entries

    def fit(prepared):
        opened, sorted_entries, _open_entries = prepared
        predictor = PredictPostings()
        predictor.load_open_accounts(opened)
        predictor.define_pipeline()
        predictor.load_training_data(sorted_entries, ACCOUNT)
        predictor.train_pipeline()
        return predictor

    def predict(predictor, prepared):
        done = predictor.process_entries(prepared[2])
        return [it.postings[-1].account.removeprefix("Expenses:C") for it in done]

    return prepare, fit, predict


# The function of each peer, and the package whose version is told.
LEARNERS = {
    "scikit-learn characters SVC": (lambda: scikit(characters, svc), "scikit-learn"),
    "scikit-learn characters SGD": (lambda: scikit(characters, sgd), "scikit-learn"),
    "scikit-learn words SGD": (lambda: scikit(words, sgd), "scikit-learn"),
    "fasttext": (fasttext, "fasttext-numpy2-wheel"),
    "smart_importer": (smart_importer, "smart-importer"),
}
