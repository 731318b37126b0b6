// What browsers and newer Nodes have and Node 18 keeps in a module: imported before libsodium.

import {webcrypto} from 'node:crypto';

globalThis.crypto ??= webcrypto;
