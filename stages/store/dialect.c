/* dialect.c -- the two rows of dialect.h. */
#include "stages/store/dialect.h"

static const struct dialect cos_dialect = {
	.scheme = "cos",
	.request_id = "x-cos-request-id",
	.meta_id = "x-cos-meta-rdbpipe-id",
	.storage_class = "x-cos-storage-class",
	.restore = "x-cos-restore",
	.sse = "x-cos-server-side-encryption",
	.sse_kms = "cos/kms",
	.kms_key = "x-cos-server-side-encryption-cos-kms-key-id",
	.kms_context = "x-cos-server-side-encryption-context",
	.customer_algorithm = "x-cos-server-side-encryption-customer-algorithm",
	.customer_key = "x-cos-server-side-encryption-customer-key",
	.customer_md5 = "x-cos-server-side-encryption-customer-key-md5",
	.tags = "x-cos-tagging",
	.lock_mode = "x-cos-object-lock-mode",
	.lock_until = "x-cos-object-lock-retain-until-date",
	.exclusive = "x-cos-forbid-overwrite",
	.exclusive_value = "true",
	.crc64 = "x-cos-hash-crc64ecma",
	.traffic = "x-cos-traffic-limit",
	.retried = "x-cos-sdk-retry",
	.always_signs = true,
	.sign = sign_cos,
	.sign_url = sign_cos_url,
};

static const struct dialect s3_dialect = {
	.scheme = "s3",
	.request_id = "x-amz-request-id",
	.meta_id = "x-amz-meta-rdbpipe-id",
	.storage_class = "x-amz-storage-class",
	.restore = "x-amz-restore",
	.sse = "x-amz-server-side-encryption",
	.sse_kms = "aws:kms",
	.kms_key = "x-amz-server-side-encryption-aws-kms-key-id",
	.kms_context = "x-amz-server-side-encryption-context",
	.customer_algorithm = "x-amz-server-side-encryption-customer-algorithm",
	.customer_key = "x-amz-server-side-encryption-customer-key",
	.customer_md5 = "x-amz-server-side-encryption-customer-key-md5",
	.tags = "x-amz-tagging",
	.lock_mode = "x-amz-object-lock-mode",
	.lock_until = "x-amz-object-lock-retain-until-date",
	.exclusive = "if-none-match",
	.exclusive_value = "*",
	.crc64 = "x-cos-hash-crc64ecma", /* COS may say it here as well */
	.nvme = "x-amz-checksum-crc64nvme",
	.nvme_leaf = "CompleteMultipartUploadResult/ChecksumCRC64NVME",
	.sum_algorithm = "x-amz-checksum-algorithm",
	.sum_type = "x-amz-checksum-type",
	.sum_mode = "x-amz-checksum-mode",
	.sum_size = "x-amz-mp-object-size",
	.list_v2 = true,
	.sign = sign_s3,
	.sign_url = sign_s3_url,
};

const struct dialect *
dialect_of(enum place_dialect d)
{
	return d == PLACE_COS ? &cos_dialect : &s3_dialect;
}
