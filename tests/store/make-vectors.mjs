// make-vectors.mjs -- make tests/unit/sign_vectors.h with the official
// packages, so that our signatures are compared with somebody else's.
//
//	mkdir /tmp/v && npm install --prefix /tmp/v cos-nodejs-sdk-v5@3.0.0 \
//	    @smithy/signature-v4@5.7.5 @smithy/protocol-http @aws-crypto/sha256-js
//	node tests/store/make-vectors.mjs /tmp/v >tests/unit/sign_vectors.h
//	clang-format -i tests/unit/sign_vectors.h
//
// The keys are made up; times are fixed, so the result is always the same.

import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const require = createRequire(resolve(process.argv[2] ?? '.') + '/');
const COS = require('cos-nodejs-sdk-v5');
const { SignatureV4 } = require('@smithy/signature-v4');
const { HttpRequest } = require('@smithy/protocol-http');
const { Sha256 } = require('@aws-crypto/sha256-js');

const ID = 'example-key-id', SECRET = 'example+secret/not=real';
const HOST = 'b-1250000000.cos.ap-guangzhou.myqcloud.com';
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const enc = s => encodeURIComponent(s).replace(/[!'()*]/g,
  c => '%' + c.charCodeAt(0).toString(16).toUpperCase());
const encPath = s => s.split('/').map(enc).join('/');

// A C string: whatever is not plain ASCII in octal, which ends by itself.
const c = s => s === undefined || s === null ? 'NULL' :
  '"' + [...Buffer.from(s)].map(b => b === 34 || b === 92 ?
    '\\' + String.fromCharCode(b) : b >= 32 && b < 127 ?
    String.fromCharCode(b) : '\\' + b.toString(8).padStart(3, '0')).join('') + '"';
const pairs = o => '{ ' + [...Object.entries(o), ['', null]].map(
  ([n, v]) => n === '' ? '{ NULL, NULL }' : `{ ${c(n)}, ${c(v)} }`).join(', ') + ' }';

const rows = [];
function row(v) {
  rows.push(`{ .kind = ${v.kind}, .name = ${c(v.name)}, .method = ${c(v.method)},
    .path = ${c(v.path)}, .params = ${pairs(v.params)},
    .headers = ${pairs(v.headers)},
    .id = ${c(ID)}, .secret = ${c(SECRET)}, .token = ${c(v.token)},
    .from = ${v.from}, .until = ${v.until}, .region = ${c(v.region)},
    .payload = ${c(v.payload)}, .expect = ${c(v.expect)} },`);
}

function cos(name, method, path, params, headers, token) {
  const from = 1790000000, until = from + 3660;
  const signed = token ? { ...headers, 'x-cos-security-token': token } : headers;
  const expect = COS.getAuthorization({ SecretId: ID, SecretKey: SECRET,
    Method: method, Pathname: path, Query: params, Headers: signed,
    KeyTime: `${from};${until}` });
  row({ kind: 'COS_HEADER', name, method, path, params, headers, token,
    from, until, expect });
}

// As COS.getObjectUrl joins them.
function cosUrl(name, method, path, params, headers, token) {
  const from = 1790000000, until = from + 21600;
  const sign = COS.getAuthorization({ SecretId: ID, SecretKey: SECRET,
    Method: method, Pathname: path, Query: params, Headers: headers,
    KeyTime: `${from};${until}` }).replace(/;/g, '%3B');
  const query = [sign, ...Object.entries(params).map(([n, v]) => `${enc(n)}=${enc(v)}`)];
  if (token)
    query.push('x-cos-security-token=' + enc(token));
  row({ kind: 'COS_URL', name, method, path, params, headers, token,
    from, until, expect: encPath(path) + '?' + query.join('&') });
}

function signer(region, token) {
  return new SignatureV4({ service: 's3', region, uriEscapePath: false,
    applyChecksum: true, sha256: Sha256, credentials: {
      accessKeyId: ID, secretAccessKey: SECRET, sessionToken: token } });
}

async function s3(name, method, path, params, headers, region, payload, token) {
  const from = 1790000000;
  const request = new HttpRequest({ method, path: encPath(path), query: params,
    protocol: 'https:', hostname: headers.host,
    headers: { ...headers, 'x-amz-content-sha256': payload } });
  const done = await signer(region, token).sign(request,
    { signingDate: new Date(from * 1000) });
  row({ kind: 'S3_HEADER', name, method, path, params, headers, token, from,
    until: from + 60, region, payload, expect: done.headers.authorization });
}

async function s3Url(name, method, path, params, headers, region, seconds, token) {
  const from = 1790000000;
  // As the S3 presigner does: no body is signed, and that is said in the query.
  const request = new HttpRequest({ method, path: encPath(path), query: params,
    protocol: 'https:', hostname: headers.host,
    headers: { ...headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } });
  const done = await signer(region, token).presign(request,
    { signingDate: new Date(from * 1000), expiresIn: seconds });
  params = { ...params, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
  const query = Object.entries(done.query).map(([n, v]) => `${enc(n)}=${enc(v)}`);
  row({ kind: 'S3_URL', name, method, path, params, headers, token, from,
    until: from + seconds, region, expect: done.path + '?' + query.join('&') });
}

cos('put', 'PUT', '/backups/cache/20261122T020311Z-auto/shard-0000.rdb.zst', {},
  { host: HOST, 'content-length': '1048576', 'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==',
    'content-type': 'application/octet-stream', 'x-cos-forbid-overwrite': 'true' });
cos('initiate', 'POST', '/k', { uploads: '' },
  { host: HOST, 'content-length': '0', 'x-cos-meta-rdbpipe-id': '0123456789abcdef',
    'x-cos-server-side-encryption-context': 'eyJhIjoi5LitIn0=',
    'x-cos-tagging': 'team=a%20b&x=1', 'x-cos-object-lock-retain-until-date': '2026-12-31T00:00:00.000Z' });
cos('part', 'PUT', '/k', { partNumber: '10000', uploadId: 'a+b/c=~-_.' },
  { host: HOST, 'content-length': '16777216', 'x-cos-traffic-limit': '819200',
    'user-agent': 'rdbpipe/1', connection: 'keep-alive' });
cos('key of all trades', 'GET', '/a b+c%41/&=?#/\'()*!~/\u4e2d\u6587/\u{1f600}/./../x//y', {},
  { host: HOST, range: 'bytes=0-8388607', 'if-match': '"d41d8cd98f00b204e9800998ecf8427e-2"' });
cos('list', 'GET', '/', { prefix: 'a b/', marker: 'a b/\u00e9', 'max-keys': '1000',
  'encoding-type': 'url', delimiter: '/' }, { host: HOST });
cos('token', 'HEAD', '/k', {}, { host: '127.0.0.1:15010' }, 'tok/+= en\'()*~');
cosUrl('address', 'GET', '/a b/\u4e2d.rdb', {}, { host: HOST });
cosUrl('address with answers', 'GET', '/k', {
  'response-content-disposition': 'attachment; filename="a b.rdb"', versionId: 'MTg0' },
  { host: HOST }, 'tok/+=');
await s3('put', 'PUT', '/a b/\u4e2d~k=v', {}, { host: 'b.s3.eu-west-1.amazonaws.com',
  'content-type': 'application/octet-stream', 'x-amz-meta-rdbpipe-id': '0123',
  'x-amz-meta-spaced': 'a  b   c', 'if-none-match': '*' }, 'eu-west-1', 'UNSIGNED-PAYLOAD');
await s3('part over http', 'PUT', '/b/k', { uploadId: 'a+b/c=~', partNumber: '7' },
  { host: '127.0.0.1:15005', 'content-length': '3', 'content-md5': 'rL0Y20zC+Fzt72VPzMSk2A==' },
  'us-east-1', '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae');
await s3('list', 'GET', '/', { 'list-type': '2', prefix: 'a/b c', 'continuation-token': '1/+=',
  'a-b': '1', a: '2', 'max-keys': '1000', Delimiter: '/' },
  { host: 'b.s3.amazonaws.com' }, 'us-east-1', EMPTY);
await s3('token', 'DELETE', '/k//./../l', { uploadId: 'x' }, { host: 'acc.r2.cloudflarestorage.com' },
  'auto', EMPTY, 'tok/+=');
await s3('key of all trades', 'GET', '/%41+&=?#\'()*!@:$,;[]{}|"<>\\^`', {},
  { host: 'b.s3.amazonaws.com', range: 'bytes=5-' }, 'us-east-1', EMPTY);
await s3Url('address', 'GET', '/a b/\u4e2d.rdb', {}, { host: 'b.s3.amazonaws.com' },
  'us-east-1', 21600);
await s3Url('address with answers', 'GET', '/b/k', {
  'response-content-disposition': 'attachment; filename="a b.rdb"' },
  { host: 'localhost:9000' }, 'auto', 604800, 'tok/+=');

console.log(`/* Made by tests/store/make-vectors.mjs; do not edit. */
static const struct vector own_vectors[] = {
${rows.join('\n')}
};`);
