"""Small models that copy or reverse strings, for the exercises of chapters 9-5 and 9-7."""

import keras

import tf_seq2seq as s2s


def exact_match(corpus, encoder=(), decoder=(), bridge="dense", units=64, epochs=8):
    """Train a model, and return how many percent of the unseen strings it gets right.

    Args:
        corpus: strings, such as `s2s.data.copy_corpus("abcdefgh", lengths=(1, 8))`.
        encoder, decoder: options of the layers by name.
        bridge: the kind of the bridge.
        units: the width of both.
        epochs: the number of passes over the strings.
    """
    keras.utils.set_random_seed(1)
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(corpus.train.source)
    size = tokenizer.vocabulary_size
    model = s2s.Seq2Seq(
        s2s.Encoder(size, units, **dict(encoder)), s2s.Decoder(size, units, **dict(decoder)), bridge
    )
    train = s2s.data.batches(corpus.train, tokenizer, tokenizer, tokens=1024, shuffle_seed=1)
    rate = keras.optimizers.schedules.CosineDecay(0.01, epochs * len(train))
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
    model.fit(train, epochs=epochs, verbose=0, shuffle=False)
    translations = s2s.Translator(model, tokenizer, tokenizer)(corpus.test.source)
    return s2s.evaluation.exact_match([t.text for t in translations], corpus.test.target)
