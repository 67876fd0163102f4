from statsapi.embedded import *  # noqa
