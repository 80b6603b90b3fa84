/* Made by tests/store/make-vectors.mjs; do not edit. */
static const struct vector own_vectors[] = {
	{ .kind = COS_HEADER,
	    .name = "put",
	    .method = "PUT",
	    .path = "/backups/cache/20261122T020311Z-auto/shard-0000.rdb.zst",
	    .params = { { NULL, NULL } },
	    .headers = { { "host",
			     "b-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "content-length", "1048576" },
		{ "content-md5", "XrY7u+Ae7tCTyyK7j1rNww==" },
		{ "content-type", "application/octet-stream" },
		{ "x-cos-forbid-overwrite", "true" }, { NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790003660,
	    .region = NULL,
	    .payload = NULL,
	    .expect = "q-sign-algorithm=sha1&q-ak=example-key-id&q-sign-time="
		      "1790000000;1790003660&q-key-time=1790000000;1790003660&"
		      "q-header-list=content-length;content-md5;content-type;"
		      "host;x-cos-forbid-overwrite&q-url-param-list=&q-"
		      "signature=fcec5c8983a28257b13b75c897a5783ba1a106eb" },
	{ .kind = COS_HEADER,
	    .name = "initiate",
	    .method = "POST",
	    .path = "/k",
	    .params = { { "uploads", "" }, { NULL, NULL } },
	    .headers = { { "host",
			     "b-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "content-length", "0" },
		{ "x-cos-meta-rdbpipe-id", "0123456789abcdef" },
		{ "x-cos-server-side-encryption-context", "eyJhIjoi5LitIn0=" },
		{ "x-cos-tagging", "team=a%20b&x=1" },
		{ "x-cos-object-lock-retain-until-date",
		    "2026-12-31T00:00:00.000Z" },
		{ NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790003660,
	    .region = NULL,
	    .payload = NULL,
	    .expect =
		"q-sign-algorithm=sha1&q-ak=example-key-id&q-sign-time="
		"1790000000;1790003660&q-key-time=1790000000;1790003660&q-"
		"header-list=content-length;host;x-cos-meta-rdbpipe-id;x-cos-"
		"object-lock-retain-until-date;x-cos-server-side-encryption-"
		"context;x-cos-tagging&q-url-param-list=uploads&q-signature="
		"3c84ecbde092344dfaf547c02cc04348e2e7e6d4" },
	{ .kind = COS_HEADER,
	    .name = "part",
	    .method = "PUT",
	    .path = "/k",
	    .params = { { "partNumber", "10000" }, { "uploadId", "a+b/c=~-_." },
		{ NULL, NULL } },
	    .headers = { { "host",
			     "b-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "content-length", "16777216" },
		{ "x-cos-traffic-limit", "819200" },
		{ "user-agent", "rdbpipe/1" }, { "connection", "keep-alive" },
		{ NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790003660,
	    .region = NULL,
	    .payload = NULL,
	    .expect = "q-sign-algorithm=sha1&q-ak=example-key-id&q-sign-time="
		      "1790000000;1790003660&q-key-time=1790000000;1790003660&"
		      "q-header-list=content-length;host;x-cos-traffic-limit&q-"
		      "url-param-list=partnumber;uploadid&q-signature="
		      "9d6d24331eca93b0bab961680a530461df20bbf4" },
	{ .kind = COS_HEADER,
	    .name = "key of all trades",
	    .method = "GET",
	    .path = "/a "
		    "b+c%41/&=?#/'()*!~/\344\270\255\346\226\207/"
		    "\360\237\230\200/./../x//y",
	    .params = { { NULL, NULL } },
	    .headers = { { "host",
			     "b-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ "range", "bytes=0-8388607" },
		{ "if-match", "\"d41d8cd98f00b204e9800998ecf8427e-2\"" },
		{ NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790003660,
	    .region = NULL,
	    .payload = NULL,
	    .expect = "q-sign-algorithm=sha1&q-ak=example-key-id&q-sign-time="
		      "1790000000;1790003660&q-key-time=1790000000;1790003660&"
		      "q-header-list=host;if-match;range&q-url-param-list=&q-"
		      "signature=0a21e8947310e8c54a78ca7f9a885613237d8ffd" },
	{ .kind = COS_HEADER,
	    .name = "list",
	    .method = "GET",
	    .path = "/",
	    .params = { { "prefix", "a b/" }, { "marker", "a b/\303\251" },
		{ "max-keys", "1000" }, { "encoding-type", "url" },
		{ "delimiter", "/" }, { NULL, NULL } },
	    .headers = { { "host",
			     "b-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790003660,
	    .region = NULL,
	    .payload = NULL,
	    .expect = "q-sign-algorithm=sha1&q-ak=example-key-id&q-sign-time="
		      "1790000000;1790003660&q-key-time=1790000000;1790003660&"
		      "q-header-list=host&q-url-param-list=delimiter;encoding-"
		      "type;marker;max-keys;prefix&q-signature="
		      "b7b625cc1a6b9d064070c6133bf8214da5eb22e6" },
	{ .kind = COS_HEADER,
	    .name = "token",
	    .method = "HEAD",
	    .path = "/k",
	    .params = { { NULL, NULL } },
	    .headers = { { "host", "127.0.0.1:15010" }, { NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = "tok/+= en'()*~",
	    .from = 1790000000,
	    .until = 1790003660,
	    .region = NULL,
	    .payload = NULL,
	    .expect =
		"q-sign-algorithm=sha1&q-ak=example-key-id&q-sign-time="
		"1790000000;1790003660&q-key-time=1790000000;1790003660&q-"
		"header-list=host;x-cos-security-token&q-url-param-list=&q-"
		"signature=d1742122b896eb04ee6114cc1836cb8b340089af" },
	{ .kind = COS_URL,
	    .name = "address",
	    .method = "GET",
	    .path = "/a b/\344\270\255.rdb",
	    .params = { { NULL, NULL } },
	    .headers = { { "host",
			     "b-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790021600,
	    .region = NULL,
	    .payload = NULL,
	    .expect =
		"/a%20b/"
		"%E4%B8%AD.rdb?q-sign-algorithm=sha1&q-ak=example-key-id&q-"
		"sign-time=1790000000%3B1790021600&q-key-time=1790000000%"
		"3B1790021600&q-header-list=host&q-url-param-list=&q-signature="
		"80b21ce9bd42dea0f4d0b1f7f1a48936fcbdd0d7" },
	{ .kind = COS_URL,
	    .name = "address with answers",
	    .method = "GET",
	    .path = "/k",
	    .params = { { "response-content-disposition",
			    "attachment; filename=\"a b.rdb\"" },
		{ "versionId", "MTg0" }, { NULL, NULL } },
	    .headers = { { "host",
			     "b-1250000000.cos.ap-guangzhou.myqcloud.com" },
		{ NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = "tok/+=",
	    .from = 1790000000,
	    .until = 1790021600,
	    .region = NULL,
	    .payload = NULL,
	    .expect =
		"/k?q-sign-algorithm=sha1&q-ak=example-key-id&q-sign-time="
		"1790000000%3B1790021600&q-key-time=1790000000%3B1790021600&q-"
		"header-list=host&q-url-param-list=response-content-"
		"disposition%3Bversionid&q-signature="
		"ae2f3754f1d4a5d4df1de3571685659a6e9a7a24&response-content-"
		"disposition=attachment%3B%20filename%3D%22a%20b.rdb%22&"
		"versionId=MTg0&x-cos-security-token=tok%2F%2B%3D" },
	{ .kind = S3_HEADER,
	    .name = "put",
	    .method = "PUT",
	    .path = "/a b/\344\270\255~k=v",
	    .params = { { NULL, NULL } },
	    .headers = { { "host", "b.s3.eu-west-1.amazonaws.com" },
		{ "content-type", "application/octet-stream" },
		{ "x-amz-meta-rdbpipe-id", "0123" },
		{ "x-amz-meta-spaced", "a  b   c" }, { "if-none-match", "*" },
		{ NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790000060,
	    .region = "eu-west-1",
	    .payload = "UNSIGNED-PAYLOAD",
	    .expect =
		"AWS4-HMAC-SHA256 "
		"Credential=example-key-id/20260921/eu-west-1/s3/aws4_request, "
		"SignedHeaders=content-type;host;if-none-match;x-amz-content-"
		"sha256;x-amz-date;x-amz-meta-rdbpipe-id;x-amz-meta-spaced, "
		"Signature="
		"8ac1a9f63da4ccf97a80fc47e3d40f9e84a6ab7b92b060a65ef4cdd236fea6"
		"83" },
	{ .kind = S3_HEADER,
	    .name = "part over http",
	    .method = "PUT",
	    .path = "/b/k",
	    .params = { { "uploadId", "a+b/c=~" }, { "partNumber", "7" },
		{ NULL, NULL } },
	    .headers = { { "host", "127.0.0.1:15005" },
		{ "content-length", "3" },
		{ "content-md5", "rL0Y20zC+Fzt72VPzMSk2A==" }, { NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790000060,
	    .region = "us-east-1",
	    .payload = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e8"
		       "86266e7ae",
	    .expect =
		"AWS4-HMAC-SHA256 "
		"Credential=example-key-id/20260921/us-east-1/s3/aws4_request, "
		"SignedHeaders=content-length;content-md5;host;x-amz-content-"
		"sha256;x-amz-date, "
		"Signature="
		"a3442f93d1b38ca80c6c8db9b53a48564e8e66cf2c4a091a11419623a13c79"
		"a5" },
	{ .kind = S3_HEADER,
	    .name = "list",
	    .method = "GET",
	    .path = "/",
	    .params = { { "list-type", "2" }, { "prefix", "a/b c" },
		{ "continuation-token", "1/+=" }, { "a-b", "1" }, { "a", "2" },
		{ "max-keys", "1000" }, { "Delimiter", "/" }, { NULL, NULL } },
	    .headers = { { "host", "b.s3.amazonaws.com" }, { NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790000060,
	    .region = "us-east-1",
	    .payload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991"
		       "b7852b855",
	    .expect =
		"AWS4-HMAC-SHA256 "
		"Credential=example-key-id/20260921/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
		"Signature="
		"182491e9770ed65eff403985d549f2bca8d7370433e890482bd3c8690ac98d"
		"f3" },
	{ .kind = S3_HEADER,
	    .name = "token",
	    .method = "DELETE",
	    .path = "/k//./../l",
	    .params = { { "uploadId", "x" }, { NULL, NULL } },
	    .headers = { { "host", "acc.r2.cloudflarestorage.com" },
		{ NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = "tok/+=",
	    .from = 1790000000,
	    .until = 1790000060,
	    .region = "auto",
	    .payload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991"
		       "b7852b855",
	    .expect =
		"AWS4-HMAC-SHA256 "
		"Credential=example-key-id/20260921/auto/s3/aws4_request, "
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-"
		"security-token, "
		"Signature="
		"36610f039189c58eddb0362de38ec9216a9371d5c401d1945bac7480f997dc"
		"e8" },
	{ .kind = S3_HEADER,
	    .name = "key of all trades",
	    .method = "GET",
	    .path = "/%41+&=?#'()*!@:$,;[]{}|\"<>\\^`",
	    .params = { { NULL, NULL } },
	    .headers = { { "host", "b.s3.amazonaws.com" },
		{ "range", "bytes=5-" }, { NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790000060,
	    .region = "us-east-1",
	    .payload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991"
		       "b7852b855",
	    .expect =
		"AWS4-HMAC-SHA256 "
		"Credential=example-key-id/20260921/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
		"Signature="
		"6d89297c790621a9374adb5707c4894d19fe8b18277b6eba03d37ef1b77665"
		"b8" },
	{ .kind = S3_URL,
	    .name = "address",
	    .method = "GET",
	    .path = "/a b/\344\270\255.rdb",
	    .params = { { "x-amz-content-sha256", "UNSIGNED-PAYLOAD" },
		{ NULL, NULL } },
	    .headers = { { "host", "b.s3.amazonaws.com" }, { NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = NULL,
	    .from = 1790000000,
	    .until = 1790021600,
	    .region = "us-east-1",
	    .payload = NULL,
	    .expect = "/a%20b/"
		      "%E4%B8%AD.rdb?x-amz-content-sha256=UNSIGNED-PAYLOAD&X-"
		      "Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=example-"
		      "key-id%2F20260921%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-"
		      "Date=20260921T141320Z&X-Amz-Expires=21600&X-Amz-"
		      "SignedHeaders=host&X-Amz-Signature="
		      "807ab13ce871012da3a38abdac37c2d2416c44003bbdff6f1b12a814"
		      "c56a910a" },
	{ .kind = S3_URL,
	    .name = "address with answers",
	    .method = "GET",
	    .path = "/b/k",
	    .params = { { "response-content-disposition",
			    "attachment; filename=\"a b.rdb\"" },
		{ "x-amz-content-sha256", "UNSIGNED-PAYLOAD" },
		{ NULL, NULL } },
	    .headers = { { "host", "localhost:9000" }, { NULL, NULL } },
	    .id = "example-key-id",
	    .secret = "example+secret/not=real",
	    .token = "tok/+=",
	    .from = 1790000000,
	    .until = 1790604800,
	    .region = "auto",
	    .payload = NULL,
	    .expect =
		"/b/"
		"k?response-content-disposition=attachment%3B%20filename%3D%"
		"22a%20b.rdb%22&x-amz-content-sha256=UNSIGNED-PAYLOAD&X-Amz-"
		"Security-Token=tok%2F%2B%3D&X-Amz-Algorithm=AWS4-HMAC-SHA256&"
		"X-Amz-Credential=example-key-id%2F20260921%2Fauto%2Fs3%2Faws4_"
		"request&X-Amz-Date=20260921T141320Z&X-Amz-Expires=604800&X-"
		"Amz-SignedHeaders=host&X-Amz-Signature="
		"8e3c563c901fa289330d9fe2231ef82f53e68cc4ddb5ae7f1048858254bd15"
		"b2" },
};
