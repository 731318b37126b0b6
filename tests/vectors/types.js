// Every type by its name in the files: how it is opened, and how a random one is made.

import * as boxes from './boxes.js';
import * as keys from './keys.js';
import * as seals from './seals.js';
import * as signed from './signed.js';
import * as texts from './texts.js';
import * as twoKeys from './two_keys.js';

export const opens = {
  ...boxes.opens, ...keys.opens, ...seals.opens, ...signed.opens, ...texts.opens, ...twoKeys.opens,
};
export const makes = {
  ...boxes.makes, ...seals.makes, ...signed.makes, ...texts.makes, ...twoKeys.makes,
};

// Needs Argon2id, which the independent implementation does not have.
export const needsPassphrase = new Set(['PASSPHRASE', 'USERKEY']);
