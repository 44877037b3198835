// Tokens made and judged by an independent implementation (jose). Prints one JSON object: {jwks, cases: [{name, good, token, claims, jose}]}; jose is "ok" or why it refuses.
'use strict';
const crypto = require('crypto');
const jose = require('jose');

const issuer = 'https://sso.example', audience = 'gatehouse', algorithms = ['RS256', 'ES256', 'EdDSA'];
const now = Math.floor(Date.now() / 1000);
const text = (s) => Buffer.from(s, 'utf8');
const b64 = (s) => Buffer.from(s).toString('base64url');
const claims = (more) => ({ iss: issuer, aud: audience, sub: 'anna', exp: now + 600, iat: now, org: 'Acme', team: 'T1', roles: ['agent', 'lead', 'root'], ...more });
const without = (name) => { const c = claims(); delete c[name]; return c; };

async function main() {
  const pair = (alg, options) => jose.generateKeyPair(alg, { extractable: true, ...options });
  const rsa = await pair('RS256'), rsa3 = await pair('RS256', { modulusLength: 3072 }), rsa4 = await pair('RS256', { modulusLength: 4096 });
  const ec = await pair('ES256'), ec2 = await pair('ES256'), ed = await pair('EdDSA', { crv: 'Ed25519' }), p384 = await pair('ES384');
  const stranger = { RS256: await pair('RS256'), ES256: await pair('ES256'), EdDSA: await pair('EdDSA', { crv: 'Ed25519' }) };
  const jwk = async (k, kid, more) => ({ ...(await jose.exportJWK(k.publicKey)), kid, ...more });
  const jwks = { keys: [await jwk(rsa, 'r1', { use: 'sig', alg: 'RS256' }), await jwk(rsa3, 'r3'), await jwk(rsa4, 'r4', { key_ops: ['verify'] }), await jwk(ec, 'e1', { alg: 'ES256' }),
    await jwk(ec2, 'e2', { use: 'sig' }), await jwk(ed, 'd1', { alg: 'EdDSA' }), await jwk(p384, 'p384'), await jwk(rsa, 'enc', { use: 'enc' })] };
  const keys = { r1: rsa, r3: rsa3, r4: rsa4, e1: ec, e2: ec2, d1: ed };
  const alg = (kid) => ({ r: 'RS256', e: 'ES256', d: 'EdDSA' })[kid[0]];
  const sign = (kid, payload, header = {}, key) => new jose.SignJWT(payload).setProtectedHeader({ alg: alg(kid), kid, ...header }).sign((key || keys[kid]).privateKey);
  const raw = (kid, payload, header = {}, options) => new jose.CompactSign(text(payload)).setProtectedHeader({ alg: alg(kid), kid, ...header }).sign(keys[kid].privateKey, options);
  // What jose will not make is put together by hand, with node's own crypto.
  const hand = (kid, header, payload) => {
    const input = b64(header) + '.' + b64(payload);
    const node = toNode(keys[kid].privateKey);
    const how = kid[0] === 'd' ? null : 'sha256';
    return input + '.' + crypto.sign(how, text(input), kid[0] === 'e' ? { key: node, dsaEncoding: 'ieee-p1363' } : node).toString('base64url');
  };
  const hmac = (secret, kid) => new jose.SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
  const cases = [];
  const add = async (good, name, token) => cases.push({ name, good, token: await token });
  const good = (name, token) => add(true, name, token), bad = (name, token) => add(false, name, token);

  for (const kid of Object.keys(keys)) {
    await good(kid + ' plain', sign(kid, claims()));
    await good(kid + ' typ', sign(kid, claims(), { typ: 'JWT' }));
    await good(kid + ' aud list', sign(kid, claims({ aud: ['other', audience], nbf: now, jti: 'x' })));
    await good(kid + ' unicode', sign(kid, claims({ sub: '王芳 é' })));
  }
  await good('d1 no kid', new jose.SignJWT(claims()).setProtectedHeader({ alg: 'EdDSA' }).sign(ed.privateKey));
  await good('at+jwt', sign('r1', claims(), { typ: 'at+jwt' }));
  await good('nbf in the leeway', sign('e1', claims({ nbf: now + 40 })));
  await good('exp in the leeway', sign('e1', claims({ exp: now - 30 })));
  await good('made by setters', new jose.SignJWT({ org: 'Acme', team: 'T1', roles: ['agent', 'lead', 'root'] }).setProtectedHeader({ alg: 'ES256', kid: 'e1' }).setIssuer(issuer).setAudience(audience)
    .setSubject('anna').setIssuedAt().setNotBefore('0s').setExpirationTime('10m').setJti('j').sign(ec.privateKey));
  await good('sub of 255 bytes', sign('e1', claims({ sub: 'a'.repeat(255) })));
  await good('long but allowed', sign('e1', claims({ x: 'y'.repeat(10000) })));
  await good('roles as words', sign('e1', claims({ roles: 'agent lead root' })));

  // algorithm
  await bad('unsecured', new jose.UnsecuredJWT(claims()).encode());
  for (const none of ['none', 'None', 'NONE', 'nOnE'])
    await bad('alg ' + none, b64(JSON.stringify({ alg: none, kid: 'r1' })) + '.' + b64(JSON.stringify(claims())) + '.');
  const spki = await jose.exportSPKI(rsa.publicKey);
  await bad('HS256 with the PEM as secret', hmac(text(spki), 'r1'));
  await bad('HS256 with the PEM, trimmed', hmac(text(spki.trim()), 'r1'));
  await bad('HS256 with n as secret', hmac(Buffer.from(jwks.keys[0].n, 'base64url'), 'r1'));
  await bad('HS256 with the JWK as secret', hmac(text(JSON.stringify(jwks.keys[0])), 'r1'));
  await bad('HS256 with the EdDSA key as secret', hmac(Buffer.from(jwks.keys[5].x, 'base64url'), 'd1'));
  const pss = crypto.createPrivateKey({ key: await jose.exportPKCS8(rsa.privateKey) });
  await bad('RS384', new jose.SignJWT(claims()).setProtectedHeader({ alg: 'RS384', kid: 'r3' }).sign(crypto.createPrivateKey(await jose.exportPKCS8(rsa3.privateKey))));
  await bad('PS256', new jose.SignJWT(claims()).setProtectedHeader({ alg: 'PS256', kid: 'r1' }).sign(pss));
  await bad('ES384', new jose.SignJWT(claims()).setProtectedHeader({ alg: 'ES384', kid: 'p384' }).sign(p384.privateKey));
  await bad('alg rs256', hand('r1', '{"alg":"rs256","kid":"r1"}', JSON.stringify(claims())));
  await bad('no alg', hand('r1', '{"kid":"r1"}', JSON.stringify(claims())));
  await bad('alg a list', hand('r1', '{"alg":["RS256"],"kid":"r1"}', JSON.stringify(claims())));
  // key
  for (const kid of ['r1', 'e1', 'd1'])
    await bad(kid + " a stranger's key", sign(kid, claims(), {}, stranger[alg(kid)]));
  await bad('unknown kid', sign('r1', claims(), { kid: 'r9' }));
  await bad('RS256 with an EC kid', sign('r1', claims(), { kid: 'e1' }));
  await bad('ES256 with an RSA kid', sign('e1', claims(), { kid: 'r1' }));
  await bad("another key's kid", sign('r1', claims(), { kid: 'r3' }));
  await bad('kid of an encryption key', sign('r1', claims(), { kid: 'enc' }));
  await bad('no kid, two keys', new jose.SignJWT(claims()).setProtectedHeader({ alg: 'ES256' }).sign(ec.privateKey));
  await bad('kid a number', hand('r1', '{"alg":"RS256","kid":1}', JSON.stringify(claims())));
  // header
  await bad('crit unknown', new jose.SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid: 'r1', crit: ['x'], x: 1 }).sign(rsa.privateKey, { crit: { x: true } }));
  await bad('b64 false', new jose.SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid: 'r1' }).sign(rsa.privateKey).then(() => new jose.FlattenedSign(text(JSON.stringify(claims())))
    .setProtectedHeader({ alg: 'RS256', kid: 'r1', b64: false, crit: ['b64'] }).sign(rsa.privateKey).then((j) => j.protected + '.' + b64(JSON.stringify(claims())) + '.' + j.signature)));
  const mine = await jose.exportJWK(stranger.RS256.publicKey);
  await bad('own jwk, own signature', sign('r1', claims(), { jwk: mine }, stranger.RS256));
  await bad('jwk', sign('r1', claims(), { jwk: mine }));
  await bad('jku', sign('r1', claims(), { jku: 'https://evil.example/k' }));
  await bad('x5u', sign('r1', claims(), { x5u: 'https://evil.example/c' }));
  await bad('x5c', sign('r1', claims(), { x5c: ['MIIB'] }));
  await bad('zip', hand('r1', '{"alg":"RS256","kid":"r1","zip":"DEF"}', JSON.stringify(claims())));
  await bad('typ of something else', sign('r1', claims(), { typ: 'logout+jwt' }));
  await bad('alg twice', hand('r1', '{"alg":"none","alg":"RS256","kid":"r1"}', JSON.stringify(claims())));
  await bad('header no JSON', hand('r1', 'alg=RS256', JSON.stringify(claims())));
  await bad('header a list', hand('r1', '["RS256"]', JSON.stringify(claims())));
  // claims
  for (const name of ['iss', 'aud', 'exp', 'sub'])
    await bad('no ' + name, sign('r1', without(name)));
  await bad('expired', sign('r1', claims({ exp: now - 61 })));
  await bad('expired long ago', sign('r1', claims({ exp: 1 })));
  await bad('not yet', sign('r1', claims({ nbf: now + 120 })));
  await bad('issued in the future', sign('r1', claims({ iat: now + 120 })));
  await bad('another issuer', sign('r1', claims({ iss: 'https://sso.example/' })));
  await bad('another audience', sign('r1', claims({ aud: 'gatehouse2' })));
  await bad('other audiences', sign('r1', claims({ aud: ['a', 'b'] })));
  await bad('no audience in the list', sign('r1', claims({ aud: [] })));
  for (const [name, exp] of [['a text', String(now + 600)], ['negative', -5], ['a fraction', now + 600.5], ['huge', 1e30], ['milliseconds', (now + 600) * 1000], ['null', null], ['true', true], ['a list', [now + 600]]])
    await bad('exp ' + name, raw('r1', JSON.stringify(claims({ exp }))));
  await bad('sub empty', sign('r1', claims({ sub: '' })));
  await bad('sub a number', raw('r1', JSON.stringify(claims({ sub: 7 }))));
  await bad('sub with a line end', sign('r1', claims({ sub: 'anna\nroot' })));
  await bad('sub with NUL', sign('r1', claims({ sub: 'anna\0root' })));
  await bad('sub of 256 bytes', sign('r1', claims({ sub: 'a'.repeat(256) })));
  await bad('sub twice', raw('r1', JSON.stringify(claims()).replace('{', '{"sub":"root",')));
  await bad('claims a list', raw('r1', '[]'));
  await bad('claims no JSON', raw('r1', 'anna'));
  await bad('claims not UTF-8', new jose.CompactSign(Buffer.concat([text('{"sub":"'), Buffer.from([0xff]), text('"}')])).setProtectedHeader({ alg: 'RS256', kid: 'r1' }).sign(rsa.privateKey));
  await bad('nested', raw('r1', await sign('e1', claims()), { cty: 'JWT' }));
  await bad('too long', sign('r1', claims({ x: 'y'.repeat(20000) })));
  // form
  const whole = await sign('e1', claims()), [h, p, s] = whole.split('.');
  await bad('encrypted (JWE)', new jose.EncryptJWT(claims()).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
    .encrypt(crypto.createPublicKey({ key: jwks.keys[0], format: 'jwk' })));
  await bad('JSON serialisation', new jose.FlattenedSign(text(JSON.stringify(claims()))).setProtectedHeader({ alg: 'ES256', kid: 'e1' }).sign(ec.privateKey).then((j) => JSON.stringify(j)));
  await bad('DER signature', h + '.' + p + '.' + crypto.sign('sha256', text(h + '.' + p), toNode(ec.privateKey)).toString('base64url'));
  for (const [name, token] of [['no signature', h + '.' + p + '.'], ['two parts', h + '.' + p], ['four parts', whole + '.x'], ['padded', whole + '=='], ['a blank before', ' ' + whole], ['a blank behind', whole + ' '],
    ['a line end inside', h + '.\n' + p + '.' + s], ['zeros', h + '.' + p + '.' + b64(Buffer.alloc(64))], ['too short', h + '.' + p + '.' + b64(Buffer.from(s, 'base64url').subarray(1))],
    ['cut in the middle', whole.slice(0, whole.length / 2)], ['unused bits', whole.slice(0, -1) + String.fromCharCode(whole.charCodeAt(whole.length - 1) + 1)], ['empty', ''],
    ["another token's signature", h + '.' + p + '.' + (await sign('e1', claims({ sub: 'bo' }))).split('.')[2]], ['another payload', h + '.' + b64(JSON.stringify(claims({ sub: 'root' }))) + '.' + s],
    ['Bearer', 'Bearer ' + whole]])
    await bad(name, token);

  const set = jose.createLocalJWKSet(jwks);
  for (const c of cases) {
    try {
      c.claims = (await jose.jwtVerify(c.token, set, { issuer, audience, algorithms, clockTolerance: 60, requiredClaims: ['exp', 'sub'] })).payload;
      c.jose = 'ok';
    } catch (e) {
      c.jose = e.code || e.name;
    }
  }
  console.log(JSON.stringify({ jwks, cases }));
}

function toNode(key) {
  return key instanceof crypto.KeyObject ? key : crypto.KeyObject.from(key);
}

main().catch((e) => { console.error(e); process.exit(1); });
